using Google.Protobuf;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Onnx.Schema;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>Operator sets, attributes and outputs that exporters seldom write, around graphs that rules apply to.</summary>
[TestClass]
public class RareFormsTests
{
    [TestMethod]
    [DataRow(7L)]
    [DataRow(8L)]
    [DataRow(22L)]
    [DataRow(23L)]
    public void A_layer_takes_up_what_follows_in_old_and_new_operator_sets(long opset)
    {
        Model model = Model.Create("g", opset, opset < 13 ? 4 : opset < 23 ? 10 : 11);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "N", 3, 8, 8));
        Value layer = model.Graph.Add("Conv", x, Weight(model.Graph, 4, 3, 3, 3));
        Value scaled = model.Graph.Add("Mul", Normalize(model.Graph, layer, 4), Weight(model.Graph, 4, 1, 1));
        model.Graph.AddOutput(model.Graph.Add("Relu", model.Graph.Add("Identity", scaled)));

        AssertLeaves(["Conv", "Relu"], Of(model, Random(2, 3, 8, 8)));
    }

    [TestMethod]
    public void A_reduction_that_takes_no_axes_for_none_is_not_one_over_all()
    {
        Simplified result = From([2, 3], (g, x) => g.Add("Exp", g.AddNode("ReduceSum", [x, g.AddInitializer("none", Tensor.Vector<long>())]).Set("noop_with_empty_axes", 1L).Output));

        Assert.AreEqual("Exp", result.Operators[^1]);
    }

    [TestMethod]
    public void A_reduction_of_no_stated_axes_is_over_all() =>
        AssertLeaves(["ReduceSum", "Exp"], From([2, 3], (g, x) => g.Add("Exp", g.AddNode("ReduceSum", [x]).Set("noop_with_empty_axes", 0L).Output)));

    [TestMethod]
    public void A_dropout_whose_mask_is_read_hands_it_out()
    {
        Simplified result = From([2, 3], (g, x) =>
        {
            Node dropout = g.AddNode("Dropout", [g.Add("Exp", x)], outputCount: 2);
            return g.Add("Mul", dropout.Outputs[0], g.AddNode("Cast", [dropout.Outputs[1]]).Set("to", (long)ElementType.Float).Output);
        });

        CollectionAssert.Contains(result.Operators, "Dropout");
    }

    [TestMethod]
    public void A_normalization_by_the_batch_stays_and_the_outcome_says_why()
    {
        Model model = Model.Create("g", 15, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3, 4, 4));
        Value layer = model.Graph.Add("Conv", x, Weight(model.Graph, 3, 3, 1, 1));
        Value[] parameters = [.. Enumerable.Range(0, 4).Select(_ => Weight(model.Graph, 3))];
        Node normalization = model.Graph.AddNode("BatchNormalization", [layer, .. parameters], outputCount: 3).Set("training_mode", 1L);
        model.Graph.AddOutput(normalization.Outputs[0]);
        model.Graph.AddOutput(normalization.Outputs[1]);

        Simplified result = Of(model, Random(2, 3, 4, 4));

        AssertLeaves(["Conv", "BatchNormalization"], result);
        Assert.Contains("training mode", result.Refusals);
    }

    [TestMethod]
    public void The_body_of_a_scan_is_simplified_and_its_state_keeps_its_shape()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 5, 2));
        Node scan = model.Graph.AddNode("Scan", [model.Graph.AddInitializer("start", Random(2)), x], outputCount: 2).Set("num_scan_inputs", 1L);
        Graph body = scan.AddGraph("body");
        Value state = body.AddInput("state", new TensorType(ElementType.Float, 2));
        Value each = body.AddInput("each", new TensorType(ElementType.Float, 2));
        Value sum = body.Add("Add", body.Add("Identity", state), body.Add("Reshape", each, body.Add("Shape", state)));
        body.AddOutput(sum);
        body.AddOutput(body.Add("Exp", body.Add("Neg", sum)));
        model.Graph.AddOutput(scan.Outputs[1]);

        Simplified result = Of(model, Random(5, 2));

        CollectionAssert.AreEquivalent(new[] { "Add", "Neg", "Exp" }, result.Model.Graph.Nodes.Single().Subgraphs.Single().Nodes.Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public void A_call_of_a_function_of_the_model_stays_and_what_stands_around_it_is_simplified()
    {
        Model model = Model.Create("g", 17, 8);
        model.OpsetImports["local"] = 1;
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "N", 3));
        Value called = model.Graph.AddNode("Twice", [model.Graph.Add("Identity", model.Graph.Add("Neg", x))], domain: "local").Output;
        model.Graph.AddOutput(model.Graph.Add("Exp", model.Graph.Add("Identity", called)));
        ModelProto proto = ModelProto.Parser.ParseFrom(model.ToBytes());
        FunctionProto twice = new() { Name = "Twice", Domain = "local", Input = { "a" }, Output = { "b" }, OpsetImport = { new OperatorSetIdProto { Version = 17 } } };
        twice.Node.Add(new NodeProto { OpType = "Add", Input = { "a", "a" }, Output = { "b" } });
        proto.Functions.Add(twice);

        Simplified result = Of(Model.Parse(proto.ToByteArray()), Random(2, 3));

        AssertLeaves(["Neg", "Twice", "Exp"], result);
        Assert.IsFalse(new GraphSimplification().Apply(result.Model, new PassContext(TargetProfiles.Cpu)).Changed);
    }
}
