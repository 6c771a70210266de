using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public class BadInputTests
{
    [TestMethod]
    public void Bytes_that_are_no_model_are_not_onnx() => AssertFault(ModelFormatError.NotOnnx, "PNG-like \u0089 rubbish"u8.ToArray());

    [TestMethod]
    public void A_model_in_ort_format_is_refused_with_the_reason()
    {
        ModelFormatException fault = Assert.ThrowsExactly<ModelFormatException>(() => Model.Parse("\u0018\0\0\0ORTM\0\0\u000a\0"u8.ToArray()));

        Assert.AreEqual(ModelFormatError.NotOnnx, fault.Error);
        StringAssert.Contains(fault.Message, "ORT format");
    }

    [TestMethod]
    public void An_empty_file_is_not_onnx() => AssertFault(ModelFormatError.NotOnnx, []);

    [TestMethod]
    public void A_model_cut_anywhere_loads_or_says_what_is_wrong()
    {
        GraphProto then = new() { Name = "then" };
        then.Node.Add(Protos.Node("Relu", ["h"], "r"));
        then.Output.Add(Protos.Info("r", 1, 2));
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "w"], "h"), Protos.If("x", then, "y"));
        model.Graph.Initializer.Add(Protos.Floats("w", 1, 2, 3));
        byte[] whole = model.ToByteArray();
        for (int length = 0; length < whole.Length; length++)
        {
            AssertLoadsOrExplains(whole[..length]);
        }
    }

    [TestMethod]
    public void A_model_with_any_byte_changed_loads_or_says_what_is_wrong()
    {
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "w"], "y"));
        model.Graph.Initializer.Add(Protos.Floats("w", 1, 2, 3));
        byte[] whole = model.ToByteArray();
        Random random = new(1);
        for (int trial = 0; trial < 5000; trial++)
        {
            byte[] damaged = [.. whole];
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            AssertLoadsOrExplains(damaged);
        }
    }

    [TestMethod]
    public void A_cut_model_is_truncated()
    {
        byte[] whole = Protos.Model(Protos.Node("Relu", ["x"], "y")).ToByteArray();

        AssertFault(ModelFormatError.Truncated, whole[..^3]);
    }

    [TestMethod]
    [DataRow("Conv", 0L)]
    [DataRow("ConvTranspose", 0L)]
    [DataRow("ConvTranspose", -1L)]
    public void A_layer_of_no_groups_is_invalid_before_a_runtime_divides_by_them(string operation, long groups)
    {
        NodeProto layer = Protos.Node(operation, ["x", "x"], "y");
        layer.Attribute.Add(new AttributeProto { Name = "group", Type = 2, I = groups });

        AssertInvalid($"its group is {groups}", Protos.Model(layer));
    }

    [TestMethod]
    public void A_cycle_is_invalid() =>
        AssertInvalid("cycle", Protos.Model(Protos.Node("Add", ["x", "b"], "a"), Protos.Node("Relu", ["a"], "b")));

    [TestMethod]
    public void A_node_that_reads_itself_is_a_cycle() => AssertInvalid("cycle", Protos.Model(Protos.Node("Add", ["x", "a"], "a")));

    [TestMethod]
    public void Two_nodes_with_one_output_name_are_invalid() =>
        AssertInvalid("'y' twice", Protos.Model(Protos.Node("Relu", ["x"], "y"), Protos.Node("Neg", ["x"], "y")));

    [TestMethod]
    public void Two_initializers_with_one_name_are_invalid()
    {
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "w"], "y"));
        model.Graph.Initializer.Add(Protos.Floats("w", 1));
        model.Graph.Initializer.Add(Protos.Floats("w", 2));

        AssertInvalid("two initializers", model);
    }

    [TestMethod]
    public void An_input_that_nothing_produces_is_invalid() => AssertInvalid("'nothing'", Protos.Model(Protos.Node("Relu", ["nothing"], "y")));

    [TestMethod]
    public void An_output_that_nothing_produces_is_invalid()
    {
        ModelProto model = Protos.Model(Protos.Node("Relu", ["x"], "y"));
        model.Graph.Output.Add(Protos.Info("z"));

        AssertInvalid("'z'", model);
    }

    [TestMethod]
    public void A_branch_does_not_see_its_sibling()
    {
        GraphProto then = new() { Name = "then" };
        then.Node.Add(Protos.Node("Relu", ["otherwise"], "r"));
        then.Output.Add(Protos.Info("r"));

        AssertInvalid("'otherwise'", Protos.Model(Protos.If("x", then, "y")));
    }

    [TestMethod]
    [DataRow(new long[] { 4 })]
    [DataRow(new long[] { -1 })]
    [DataRow(new long[] { long.MaxValue, 2 })]
    [DataRow(new long[] { long.MaxValue })]
    public void A_shape_that_its_bytes_do_not_fill_is_invalid(long[] shape)
    {
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "w"], "y"));
        TensorProto tensor = new() { Name = "w", DataType = 1, RawData = ByteString.CopyFrom(new byte[12]) };
        tensor.Dims.AddRange(shape);
        model.Graph.Initializer.Add(tensor);

        AssertFault(ModelFormatError.Invalid, model.ToByteArray());
    }

    [TestMethod]
    [DataRow("odd_node", DisplayName = "node")]
    [DataRow("odd_value", DisplayName = "value")]
    [DataRow("odd_weight", DisplayName = "weight")]
    [DataRow("odd_domain", DisplayName = "domain")]
    [DataRow("odd_key", DisplayName = "metadata")]
    public void A_name_that_is_no_UTF_8_is_invalid(string name)
    {
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "odd_weight"], "odd_value"));
        model.Graph.Node[0].Name = "odd_node";
        model.Graph.Initializer.Add(Protos.Floats("odd_weight", 1));
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "odd_domain", Version = 1 });
        model.MetadataProps.Add(new StringStringEntryProto { Key = "odd_key", Value = "" });
        byte[] bytes = model.ToByteArray();
        for (int at; (at = bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(name))) >= 0;)
        {
            bytes[at] = 0xFF;
        }

        ModelFormatException exception = Assert.ThrowsExactly<ModelFormatException>(() => Model.Parse(bytes));

        Assert.AreEqual(ModelFormatError.Invalid, exception.Error);
        Assert.Contains("UTF-8", exception.Message);
    }

    [TestMethod]
    public void A_file_larger_than_a_message_can_be_is_invalid_and_the_way_out_is_told()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.onnx");
        try
        {
            using (FileStream holes = File.Create(path))
            {
                holes.SetLength(int.MaxValue + 1L);
            }

            ModelFormatException exception = Assert.ThrowsExactly<ModelFormatException>(() => Model.Load(path));

            Assert.AreEqual(ModelFormatError.Invalid, exception.Error);
            Assert.Contains("2147483648 bytes", exception.Message);
            Assert.Contains("external data", exception.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void AssertInvalid(string part, ModelProto model)
    {
        ModelFormatException exception = Assert.ThrowsExactly<ModelFormatException>(() => Model.Parse(model.ToByteArray()));
        Assert.AreEqual(ModelFormatError.Invalid, exception.Error);
        Assert.Contains(part, exception.Message);
    }

    private static void AssertFault(ModelFormatError error, byte[] bytes) =>
        Assert.AreEqual(error, Assert.ThrowsExactly<ModelFormatException>(() => Model.Parse(bytes)).Error);

    private static void AssertLoadsOrExplains(byte[] bytes)
    {
        try
        {
            Model.Parse(bytes).ToBytes();
        }
        catch (ModelFormatException)
        {
        }
    }
}
