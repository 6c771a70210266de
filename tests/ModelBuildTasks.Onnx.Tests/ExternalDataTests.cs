using System.Security.Cryptography;
using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public sealed class ExternalDataTests : IDisposable
{
    private readonly string outside;
    private readonly string folder;

    public ExternalDataTests()
    {
        outside = Directory.CreateTempSubdirectory("onnx-external-").FullName;
        folder = Path.Combine(outside, "model");
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "weights.bin"), Bytes(1, 2, 3));
        File.WriteAllBytes(Path.Combine(outside, "secret.bin"), Bytes(7, 8, 9));
    }

    public void Dispose() => Directory.Delete(outside, recursive: true);

    [TestMethod]
    public void Reads_weights_beside_the_model()
    {
        Model model = Load(("location", "weights.bin"), ("offset", "4"), ("length", "8"));

        CollectionAssert.AreEqual(new[] { 2f, 3f }, model.Graph.Find("w")!.Initializer!.ToSingles());
    }

    [TestMethod]
    public void Writes_external_weights_inside_the_saved_model()
    {
        string saved = Path.Combine(outside, "saved.onnx");
        Load(("location", "weights.bin"), ("offset", "0")).Save(saved);

        CollectionAssert.AreEqual(new[] { 1f, 2f }, Model.Load(saved).Graph.Find("w")!.Initializer!.ToSingles());
    }

    [TestMethod]
    [DataRow("../secret.bin")]
    [DataRow("sub/../../secret.bin")]
    [DataRow("missing.bin")]
    [DataRow(".")]
    [DataRow("")]
    [DataRow("a\0b")]
    [DataRow("..\\secret.bin")]
    [DataRow(".\\weights.bin")]
    [DataRow("C:/weights.bin")]
    public void Refuses_locations_outside_the_folder_and_missing_files(string location) => AssertRefused(("location", location));

    [TestMethod]
    public void Refuses_absolute_locations() => AssertRefused(("location", Path.Combine(folder, "weights.bin")));

    [TestMethod]
    [DataRow("8", "8")]
    [DataRow("9223372036854775807", "8")]
    [DataRow("-4", "8")]
    [DataRow("0", "4")]
    [DataRow("0", "many")]
    public void Refuses_offsets_and_lengths_that_do_not_fit(string offset, string length) =>
        AssertRefused(("location", "weights.bin"), ("offset", offset), ("length", length));

    [TestMethod]
    public void Refuses_a_link_out_of_the_folder()
    {
        Link(Path.Combine(folder, "link.bin"), Path.Combine(outside, "secret.bin"));

        AssertRefused(("location", "link.bin"));
    }

    [TestMethod]
    public void Refuses_a_link_that_leaves_through_another_link()
    {
        Directory.CreateSymbolicLink(Path.Combine(folder, "up"), outside);
        Link(Path.Combine(folder, "link.bin"), Path.Combine("up", "secret.bin"));

        AssertRefused(("location", "link.bin"));
    }

    [TestMethod]
    public void Refuses_a_link_to_itself()
    {
        Link(Path.Combine(folder, "loop.bin"), "loop.bin");

        AssertRefused(("location", "loop.bin"));
    }

    [TestMethod]
    public void Accepts_a_link_inside_a_folder_that_is_itself_reached_by_a_link()
    {
        Link(Path.Combine(folder, "link.bin"), Path.Combine(folder, "weights.bin"));
        string alias = Path.Combine(outside, "alias");
        Directory.CreateSymbolicLink(alias, folder);
        Write(("location", "link.bin"));

        CollectionAssert.AreEqual(new[] { 1f, 2f }, Model.Load(Path.Combine(alias, "model.onnx")).Graph.Find("w")!.Initializer!.ToSingles());
    }

    [TestMethod]
    public void Refuses_external_data_where_there_is_no_folder()
    {
        byte[] bytes = File.ReadAllBytes(Write(("location", "weights.bin")));

        Assert.AreEqual(ModelFormatError.ExternalData, Assert.ThrowsExactly<ModelFormatException>(() => Model.Parse(bytes)).Error);
    }

    [TestMethod]
    public void Refuses_strings_in_another_file() => AssertRefused(tensor => tensor.DataType = 8, ModelFormatError.ExternalData);

    [TestMethod]
    public void Refuses_weights_both_in_the_model_and_in_another_file()
    {
        AssertRefused(tensor => tensor.RawData = ByteString.CopyFrom(new byte[8]), ModelFormatError.Invalid);
        AssertRefused(tensor => tensor.FloatData.Add([1, 2]), ModelFormatError.Invalid);
    }

    [TestMethod]
    public void Refuses_shapes_that_overflow_or_pass_the_file_before_it_reads()
    {
        AssertRefused(tensor => tensor.Dims.Add(long.MaxValue), ModelFormatError.Invalid);
        AssertRefused(tensor => tensor.Dims[0] = long.MaxValue, ModelFormatError.Invalid);
        AssertRefused(tensor => tensor.Dims[0] = -2, ModelFormatError.Invalid);
        AssertRefused(tensor => tensor.Dims[0] = 1L << 40, ModelFormatError.ExternalData);
    }

    [TestMethod]
    public void Brings_in_the_weights_of_attributes_functions_and_training()
    {
        ModelProto model = Protos.Model(Protos.Node("Custom", ["x"], "y"));
        TensorProto inside = Protos.Floats("w", 2, 3);
        inside.RawData = ByteString.CopyFrom(Bytes(2, 3));
        inside.FloatData.Clear();
        ModelProto expected = WithTensors(model, inside);
        TensorProto outside = External(("location", "weights.bin"), ("offset", "4"));
        string path = Write(WithTensors(model, outside));

        ModelComparison.AssertSame(expected, ModelProto.Parser.ParseFrom(Model.Load(path).ToBytes()));
    }

    [TestMethod]
    public void Written_weights_start_where_they_can_be_mapped_and_equal_ones_stand_once()
    {
        Model model = Model.Create("g", 17, 8);
        float[] large = [.. Enumerable.Range(0, 40_000).Select(i => (float)i)];
        model.Graph.AddInitializer("small", Tensor.Vector(1f));
        model.Graph.AddInitializer("medium", Tensor.Vector([.. large.Take(1000)]));
        model.Graph.AddInitializer("large", Tensor.Vector(large));
        model.Graph.AddInitializer("same", Tensor.Create([200, 200], [.. large]));
        string path = Path.Combine(outside, "written.onnx");

        model.Save(path, WeightPlacement.External);

        Dictionary<string, TensorProto> written = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path)).Graph.Initializer.ToDictionary(tensor => tensor.Name);
        Assert.IsEmpty(written["small"].ExternalData);
        Assert.AreEqual("0", Offset(written["medium"]));
        Assert.AreEqual("65536", Offset(written["large"]));
        Assert.AreEqual("65536", Offset(written["same"]));
        Assert.AreEqual(65536 + 4 * large.Length, new FileInfo(path + ".data").Length);
        CollectionAssert.AreEqual(large, Model.Load(path).Graph.Find("same")!.Initializer!.ToSingles());
    }

    [TestMethod]
    public void Weights_in_a_file_named_by_what_it_holds_replace_no_others()
    {
        string path = Path.Combine(outside, "two.onnx");

        string[] names = [.. new[] { 1f, 2f }.Select(number => Filled(number).SaveInTwo(path, sha256 => $"{sha256}.weights"))];

        Assert.AreNotEqual(names[0], names[1]);
        Assert.IsTrue(names.All(name => name == $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(outside, name))))}.weights"));
        Assert.AreEqual(2f, Model.Load(path).Graph.Find("filled")!.Initializer!.ToSingles()[0]);

        static Model Filled(float number)
        {
            Model model = Model.Create("g", 17, 8);
            model.Graph.AddInitializer("filled", Tensor.Vector([.. Enumerable.Repeat(number, 1000)]));
            return model;
        }
    }

    private static string Offset(TensorProto tensor) => tensor.ExternalData.Single(entry => entry.Key == "offset").Value;

    /// <summary>The tensor in each place that is neither an initializer nor a value of an attribute.</summary>
    private static ModelProto WithTensors(ModelProto model, TensorProto tensor)
    {
        ModelProto result = model.Clone();
        result.Graph.Node[0].Attribute.Add(new AttributeProto { Name = "list", Tensors = { tensor.Clone() } });
        FunctionProto function = new() { Name = "f", AttributeProto = { new AttributeProto { Name = "fallback", T = tensor.Clone() } } };
        function.Node.Add(Protos.Node("Constant", [], "c"));
        function.Node[0].Attribute.Add(new AttributeProto { Name = "value", T = tensor.Clone() });
        result.Functions.Add(function);
        result.TrainingInfo.Add(new TrainingInfoProto { Algorithm = new GraphProto { Initializer = { tensor.Clone() } } });
        return result;
    }

    private static byte[] Bytes(params float[] values) => System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values).ToArray();

    private static void Link(string path, string target) => File.CreateSymbolicLink(path, target);

    private void AssertRefused(params (string Key, string Value)[] entries) =>
        Assert.AreEqual(ModelFormatError.ExternalData, Assert.ThrowsExactly<ModelFormatException>(() => Load(entries)).Error);

    private void AssertRefused(Action<TensorProto> change, ModelFormatError error)
    {
        TensorProto tensor = External(("location", "weights.bin"));
        change(tensor);
        Assert.AreEqual(error, Assert.ThrowsExactly<ModelFormatException>(() => Model.Load(Write(tensor))).Error);
    }

    private Model Load(params (string Key, string Value)[] entries) => Model.Load(Write(entries));

    private string Write(params (string Key, string Value)[] entries) => Write(External(entries));

    private static TensorProto External(params (string Key, string Value)[] entries)
    {
        TensorProto tensor = new() { Name = "w", DataType = 1, DataLocation = 1 };
        tensor.Dims.Add(2);
        tensor.ExternalData.AddRange(entries.Select(entry => new StringStringEntryProto { Key = entry.Key, Value = entry.Value }));
        return tensor;
    }

    private string Write(TensorProto tensor)
    {
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "w"], "y"));
        model.Graph.Initializer.Add(tensor);
        return Write(model);
    }

    private string Write(ModelProto model)
    {
        string path = Path.Combine(folder, "model.onnx");
        File.WriteAllBytes(path, model.ToByteArray());
        return path;
    }
}
