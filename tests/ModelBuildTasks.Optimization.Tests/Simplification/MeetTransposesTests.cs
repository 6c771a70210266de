using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MeetTransposesTests
{
    [TestMethod]
    public void Layers_of_a_channels_last_model_meet_their_bias_and_scale() =>
        AssertLeaves(["Conv", "Relu", "Conv"], From(["N", 3, "H", "W"], (g, x) =>
        {
            Value last = ChannelsLast(g, g.Add("Conv", x, Weight(g, 8, 3, 1, 1)));
            Value activated = g.Add("Relu", g.Add("Mul", g.Add("Add", last, Weight(g, 8)), Weight(g, 1, 1, 1, 8)));
            return g.Add("Conv", Transposed(g, activated, 0, 3, 1, 2), Weight(g, 4, 8, 1, 1));
        }));

    [TestMethod]
    public void A_constant_keeps_to_its_axis() =>
        AssertLeaves(["Exp", "Mul", "Sub", "PRelu"], From(["N", 3, 4, 5], (g, x) =>
        {
            Value last = ChannelsLast(g, g.Add("Exp", x));
            Value between = g.Add("PRelu", g.Add("Sub", Weight(g, 4, 1, 1), g.Add("Mul", last, Weight(g, 5, 1))), Weight(g, 3));
            return Transposed(g, between, 0, 3, 1, 2);
        }));

    [TestMethod]
    public void A_constant_that_a_slope_would_widen_keeps_the_transposes_which_the_runtime_refuses_and_so_it_must()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4, 5, 6));
        Value last = Transposed(model.Graph, x, 0, 2, 3, 1);
        model.Graph.AddOutput(Transposed(model.Graph, model.Graph.Add("PRelu", model.Graph.AddInitializer("k", Tensor.Scalar(-2f)), last), 0, 3, 1, 2));

        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        Assert.ThrowsExactly<InferenceException>(() => ModelSession.Open(model));
    }

    [TestMethod]
    public void Transposes_that_do_not_cancel_become_one() =>
        AssertLeaves(["Sigmoid", "Transpose"], From([2, 3, 4], (g, x) => Transposed(g, g.Add("Sigmoid", Transposed(g, x, 1, 2, 0)), 1, 0, 2)));

    [TestMethod]
    public void Without_a_second_transpose_the_first_stays_where_it_is() =>
        AssertLeaves(["Transpose", "Relu"], From([2, 3, 4], (g, x) => g.Add("Relu", Transposed(g, x, 1, 2, 0))));

    [TestMethod]
    public void What_another_node_reads_in_between_keeps_the_transposes() =>
        Assert.AreEqual(2, From([2, 3, 4], (g, x) =>
        {
            Value read = g.Add("Sigmoid", Transposed(g, x, 0, 2, 1));
            return g.Add("Add", Transposed(g, g.Add("Exp", read), 0, 2, 1), g.AddNode("ReduceSum", [read]).Set("keepdims", 0L).Output);
        }).Operators.Count(op => op == "Transpose"));

    [TestMethod]
    public void A_constant_that_varies_along_two_axes_keeps_the_transposes_and_the_outcome_says_so()
    {
        Simplified result = From([2, 3, 4], (g, x) => Transposed(g, g.Add("Max", Transposed(g, x, 0, 2, 1), Weight(g, 4, 3)), 0, 2, 1));

        Assert.AreEqual(2, result.Operators.Count(op => op == "Transpose"));
        Assert.Contains("varies along several axes", result.Refusals);
    }

    [TestMethod]
    public void A_softmax_in_between_keeps_the_transposes() =>
        Assert.AreEqual(2, From([2, 3, 4], (g, x) => Transposed(g, g.AddNode("Softmax", [Transposed(g, x, 0, 2, 1)]).Set("axis", 1L).Output, 0, 2, 1)).Operators.Count(op => op == "Transpose"));

    private static Value ChannelsLast(Graph graph, Value x) => Transposed(graph, x, 0, 2, 3, 1);

    private static Value Transposed(Graph graph, Value x, params long[] order) => graph.AddNode("Transpose", [x]).Set("perm", order).Output;
}
