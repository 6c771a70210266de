using Google.Protobuf;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public class IrVersionsTests
{
    [TestMethod]
    [DataRow(7, 3)]
    [DataRow(9, 4)]
    [DataRow(13, 7)]
    [DataRow(17, 8)]
    [DataRow(21, 10)]
    [DataRow(25, 13)]
    public void The_operator_set_alone_needs_the_version_it_came_with(long opset, long expected) =>
        Assert.AreEqual(expected, Lowest(model => model.OpsetImport[0].Version = opset));

    [TestMethod]
    public void A_weight_that_is_no_input_needs_version_4() =>
        Assert.AreEqual(4, Lowest(model =>
        {
            model.OpsetImport[0].Version = 7;
            model.Graph.Initializer.Add(Protos.Floats("w", 1f));
        }));

    [TestMethod]
    public void A_weight_that_is_an_input_does_not() =>
        Assert.AreEqual(3, Lowest(model =>
        {
            model.OpsetImport[0].Version = 7;
            model.Graph.Input.Add(Protos.Info("w", 1));
            model.Graph.Initializer.Add(Protos.Floats("w", 1f));
        }));

    [TestMethod]
    public void Functions_need_version_8_whatever_the_operator_set() =>
        Assert.AreEqual(8, Lowest(model =>
        {
            model.OpsetImport[0].Version = 13;
            model.Functions.Add(new FunctionProto { Name = "f", Domain = "d" });
        }));

    [TestMethod]
    public void Metadata_of_a_node_in_a_branch_need_version_10() =>
        Assert.AreEqual(10, Lowest(model =>
        {
            GraphProto branch = new() { Name = "then" };
            branch.Node.Add(Protos.Node("Relu", ["x"], "r"));
            branch.Node[0].MetadataProps.Add(new StringStringEntryProto { Key = "k", Value = "v" });
            branch.Output.Add(Protos.Info("r"));
            model.Graph.Node.Add(Protos.If("x", branch, "z"));
        }));

    [TestMethod]
    public void Metadata_of_the_model_need_nothing() =>
        Assert.AreEqual(8, Lowest(model => model.MetadataProps.Add(new StringStringEntryProto { Key = "k", Value = "v" })));

    [TestMethod]
    public void A_model_that_is_newer_than_this_library_keeps_its_version() =>
        Assert.AreEqual(14, Lowest(model => model.IrVersion = 14));

    private static long Lowest(Action<ModelProto> edit)
    {
        ModelProto proto = Protos.Model(Protos.Node("Neg", ["x"], "y"));
        proto.IrVersion = 12;
        edit(proto);
        return Model.Parse(proto.ToByteArray()).LowestIrVersion;
    }
}
