using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class SettleBranchByRankTests
{
    [TestMethod]
    public void The_branch_that_makes_the_readers_rank_is_taken()
    {
        Simplified result = Of(OneOf((g, x) => Squeeze(g, x), (g, x) => g.Add("Identity", x)), Random(2, 4, 1));

        CollectionAssert.DoesNotContain(result.Operators, "If");
    }

    [TestMethod]
    public void An_input_for_the_other_branch_still_fails()
    {
        Simplified result = Of(OneOf((g, x) => Squeeze(g, x), (g, x) => g.Add("Identity", x)), Random(2, 4, 1));

        using ModelSession session = ModelSession.Open(result.Model);
        Assert.ThrowsExactly<InferenceException>(() => session.Run([Random(2, 2, 2)]));
    }

    [TestMethod]
    public void Branches_of_one_rank_stay() =>
        CollectionAssert.Contains(Of(OneOf((g, x) => Squeeze(g, x), (g, x) => g.Add("Neg", Squeeze(g, x))), Random(2, 4, 1)).Operators, "If");

    /// <summary>x[n, 4, m]: Gemm(If(m = 1, …, …), w).</summary>
    private static Model OneOf(Func<Graph, Value, Value> then, Func<Graph, Value, Value> otherwise)
    {
        Model model = Model.Create("g", 17, 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, "n", 4, "m"));
        Value size = graph.Add("Gather", graph.Add("Shape", x), graph.AddInitializer("last", Tensor.Vector(2L)));
        Value condition = graph.Add("Equal", size, graph.AddInitializer("one", Tensor.Vector(1L)));
        Value chosen = Branches.AddIf(condition, branch => then(branch, x), branch => otherwise(branch, x));
        graph.AddOutput(graph.Add("Gemm", chosen, Weight(graph, 4, 3)));
        return model;
    }

    private static Value Squeeze(Graph graph, Value x) => graph.Add("Squeeze", x, Longs(graph, 2));
}
