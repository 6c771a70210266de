using Google.Protobuf;
using Google.Protobuf.Reflection;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public class WholeSchemaTests
{
    private const int Models = 300;

    [TestMethod]
    public void Random_models_over_the_whole_schema_come_back_as_the_same_message()
    {
        for (int seed = 0; seed < Models; seed++)
        {
            ModelProto model = new RandomModel(seed).Make();

            ModelComparison.AssertSame(model, Protos.RoundTrip(model));
        }
    }

    [TestMethod]
    public void Random_models_come_back_the_same_through_a_file_with_external_data()
    {
        string folder = Directory.CreateTempSubdirectory("onnx-external-").FullName;
        for (int seed = 0; seed < 50; seed++)
        {
            ModelProto model = new RandomModel(seed).Make();
            model.Graph.Initializer.Add(new TensorProto { Name = "large", DataType = 2, RawData = ByteString.CopyFrom(new byte[5000]), Dims = { 5000 } });
            string path = Path.Combine(folder, $"{seed}.onnx");

            Model.Parse(model.ToByteArray()).Save(path, WeightPlacement.External);

            Assert.IsTrue(File.Exists(path + ".data"));
            ModelComparison.AssertSame(model, ModelProto.Parser.ParseFrom(Model.Load(path).ToBytes()));
        }

        Directory.Delete(folder, recursive: true);
    }

    [TestMethod]
    public void The_random_models_set_every_field_of_the_schema()
    {
        HashSet<FieldDescriptor> unset = [];
        AddFields(ModelProto.Descriptor, unset);
        string[] inOtherFiles = ["TensorProto.data_location", "TensorProto.external_data"];
        for (int seed = 0; seed < Models && unset.Count > inOtherFiles.Length; seed++)
        {
            RemoveSetFields(new RandomModel(seed).Make(), unset);
        }

        string[] left = [.. unset.Select(field => $"{field.ContainingType.Name}.{field.Name}").Order(StringComparer.Ordinal)];
        CollectionAssert.AreEqual(inOtherFiles, left, string.Join(", ", left));
    }

    private static void AddFields(MessageDescriptor message, HashSet<FieldDescriptor> fields)
    {
        foreach (FieldDescriptor field in message.Fields.InDeclarationOrder())
        {
            if (fields.Add(field) && field.FieldType == FieldType.Message)
            {
                AddFields(field.MessageType, fields);
            }
        }
    }

    private static void RemoveSetFields(IMessage message, HashSet<FieldDescriptor> fields)
    {
        foreach (FieldDescriptor field in message.Descriptor.Fields.InDeclarationOrder())
        {
            object value = field.Accessor.GetValue(message);
            object[] items = field.IsRepeated ? [.. ((System.Collections.IList)value).Cast<object>()] : field.Accessor.HasValue(message) ? [value] : [];
            if (items.Length > 0)
            {
                fields.Remove(field);
            }

            foreach (IMessage inner in items.OfType<IMessage>())
            {
                RemoveSetFields(inner, fields);
            }
        }
    }
}
