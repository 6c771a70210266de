using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public class RoundTripTests
{
    [TestMethod]
    public void Keeps_functions_training_information_metadata_and_annotations()
    {
        ModelProto model = Protos.Model(Protos.Node("Relu", ["x"], "y"));
        model.MetadataProps.Add(new StringStringEntryProto { Key = "author", Value = "me" });
        model.DocString = ByteString.CopyFrom(0xFF, 0x00);
        model.Graph.DocString = ByteString.CopyFromUtf8("graph");
        model.Graph.Node[0].DocString = ByteString.CopyFromUtf8("node");
        // These parts are not in the library's schema: functions is field 25, training_info 20, quantization_annotation 14 of the graph.
        model.Graph = GraphProto.Parser.ParseFrom([.. model.Graph.ToByteArray(), 0x72, 0x03, 0x0A, 0x01, (byte)'y']);
        model = ModelProto.Parser.ParseFrom([.. model.ToByteArray(), 0xCA, 0x01, 0x03, 0x0A, 0x01, (byte)'f', 0xA2, 0x01, 0x00]);

        Assert.AreEqual(model, Protos.RoundTrip(model));
    }

    [TestMethod]
    public void Keeps_fields_of_later_specifications()
    {
        // Field 1000 of the model, of a node and of a tensor, each a varint.
        byte[] unknown = [0xC0, 0x3E, 0x07];
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "w"], "y"));
        model.Graph.Initializer.Add(TensorProto.Parser.ParseFrom([.. Protos.Floats("w", 1).ToByteArray(), .. unknown]));
        model.Graph.Node[0] = NodeProto.Parser.ParseFrom([.. model.Graph.Node[0].ToByteArray(), .. unknown]);
        model = ModelProto.Parser.ParseFrom([.. model.ToByteArray(), .. unknown]);

        Assert.AreEqual(model, Protos.RoundTrip(model));
    }

    [TestMethod]
    public void Keeps_string_tensors_and_sparse_initializers()
    {
        ModelProto model = Protos.Model(Protos.Node("Custom", ["x", "words", "sparse"], "y"));
        TensorProto words = new() { Name = "words", DataType = 8 };
        words.Dims.Add(2);
        words.StringData.Add(ByteString.CopyFromUtf8("a"));
        words.StringData.Add(ByteString.CopyFromUtf8("b"));
        model.Graph.Initializer.Add(words);
        SparseTensorProto sparse = new() { Values = Protos.Floats("sparse", 3), Indices = new TensorProto { DataType = 7 } };
        sparse.Indices.Dims.Add(1);
        sparse.Indices.Int64Data.Add(4);
        sparse.Dims.Add(9);
        model.Graph.SparseInitializer.Add(sparse);

        Assert.AreEqual(model, Protos.RoundTrip(model));
    }

    [TestMethod]
    public void Keeps_attributes_of_every_kind()
    {
        NodeProto node = Protos.Node("Custom", ["x"], "y");
        node.Domain = "custom";
        node.Attribute.Add(new AttributeProto { Name = "f", Type = 1, F = 1.5f });
        node.Attribute.Add(new AttributeProto { Name = "s", Type = 3, S = ByteString.CopyFrom(0xFF, 0x00) });
        node.Attribute.Add(new AttributeProto { Name = "t", Type = 4, T = Protos.Floats("inner", 1, 2) });
        node.Attribute.Add(new AttributeProto { Name = "strings", Type = 8, Strings = { ByteString.CopyFromUtf8("a"), ByteString.Empty } });
        node.Attribute.Add(new AttributeProto { Name = "tensors", Type = 9, Tensors = { Protos.Floats("", 1), Protos.Floats("", 2) } });
        // doc_string (13) and tp (14) are not in the library's schema.
        byte[] typed = new AttributeProto { Name = "typed", Type = 13 }.ToByteArray();
        node.Attribute.Add(AttributeProto.Parser.ParseFrom([.. typed, 0x6A, 0x01, (byte)'d', 0x72, 0x00]));
        ModelProto model = Protos.Model(node);

        Assert.AreEqual(model, Protos.RoundTrip(model));
    }

    [TestMethod]
    public void Keeps_branches_that_capture_outer_values()
    {
        GraphProto then = new() { Name = "then" };
        then.Node.Add(Protos.Node("Relu", ["h"], "r"));
        then.Output.Add(Protos.Info("r"));
        ModelProto model = Protos.Model(Protos.Node("Neg", ["x"], "h"), Protos.If("x", then, "y"));

        Assert.AreEqual(model, Protos.RoundTrip(model));
        Model loaded = Model.Parse(model.ToByteArray());
        Assert.AreEqual("Relu", loaded.Graph.Find("h")!.Uses.Single().Node.OpType);
    }

    [TestMethod]
    public void Keeps_omitted_inputs_and_outputs_in_their_places()
    {
        ModelProto model = Protos.Model(Protos.Node("LSTM", ["x", "x", "x", "", "", "x"], "", "", "omitted"), Protos.Node("Relu", ["omitted"], "y"));

        Assert.AreEqual(model, Protos.RoundTrip(model));
    }

    [TestMethod]
    public void An_omitted_output_gets_its_name_once_somebody_reads_it()
    {
        Model model = Model.Parse(Protos.Model(Protos.Node("LSTM", ["x", "x", "x"], "y", "", "c")).ToByteArray());
        Value hidden = model.Graph.Nodes[0].Outputs[1];

        model.Graph.AddOutput(model.Graph.Add("Relu", hidden));

        Model again = Model.Parse(model.ToBytes());
        Assert.AreEqual(again.Graph.Nodes[0].Outputs[1], again.Graph.Nodes[1].Input(0));
    }

    [TestMethod]
    public void Writes_nodes_in_topological_order()
    {
        ModelProto model = Protos.Model(Protos.Node("Relu", ["h"], "y"), Protos.Node("Neg", ["x"], "h"));
        model.Graph.Output.Clear();
        model.Graph.Output.Add(Protos.Info("y"));

        CollectionAssert.AreEqual(new[] { "Neg", "Relu" }, Protos.RoundTrip(model).Graph.Node.Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public void A_node_stands_after_what_its_branches_capture()
    {
        GraphProto then = new() { Name = "then" };
        then.Node.Add(Protos.Node("Relu", ["late"], "r"));
        then.Output.Add(Protos.Info("r"));
        ModelProto model = Protos.Model(Protos.If("x", then, "y"), Protos.Node("Neg", ["x"], "late"));
        model.Graph.Output[0] = Protos.Info("y");

        CollectionAssert.AreEqual(new[] { "Neg", "If" }, Protos.RoundTrip(model).Graph.Node.Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public void Both_spellings_of_the_standard_domain_may_be_stated()
    {
        ModelProto model = Protos.Model(Protos.Node("Relu", ["x"], "y"));
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "ai.onnx", Version = 15 });

        Assert.AreEqual(17, Model.Parse(model.ToByteArray()).Opset);
    }

    [TestMethod]
    [DynamicData(nameof(RealModels))]
    public void Real_models_come_back_as_the_same_message(string path)
    {
        if (!File.Exists(path))
        {
            Assert.Inconclusive("The test needs real models; set MODELBUILD_DATA to the folder of test data.");
        }

        ModelProto before = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));

        ModelComparison.AssertSame(before, ModelProto.Parser.ParseFrom(Model.Load(path).ToBytes()));
    }

    public static IEnumerable<object[]> RealModels =>
        Directory.Exists(ModelsFolder) ? Directory.EnumerateFiles(ModelsFolder, "*.onnx").Select(path => new object[] { path }) : [["(no data)"]];

    internal static string ModelsFolder => Path.Combine(Repository.PublishedData, "models");
}
