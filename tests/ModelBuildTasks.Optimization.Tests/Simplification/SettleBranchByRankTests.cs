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

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void A_dense_layer_takes_a_vector_for_a_row_so_that_either_branch_may_be_taken(bool condition)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value chosen = Branches.AddIf(
            model.Graph.AddInput("c", new TensorType(ElementType.Bool)),
            branch => branch.Add("Neg", x),
            branch => branch.Add("Squeeze", x, Longs(model.Graph, 0)));
        model.Graph.AddOutput(model.Graph.Add("Gemm", chosen, Weight(model.Graph, 4, 3)));

        CollectionAssert.Contains(Of(model, Random(1, 4), Tensor.Scalar(condition)).Operators, "If");
    }

    /// <summary>x[n, 4, m]: Gemm(w, If(m = 1, …, …)).</summary>
    private static Model OneOf(Func<Graph, Value, Value> then, Func<Graph, Value, Value> otherwise)
    {
        Model model = Model.Create("g", 17, 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, "n", 4, "m"));
        Value size = graph.Add("Gather", graph.Add("Shape", x), graph.AddInitializer("last", Tensor.Vector(2L)));
        Value condition = graph.Add("Equal", size, graph.AddInitializer("one", Tensor.Vector(1L)));
        Value chosen = Branches.AddIf(condition, branch => then(branch, x), branch => otherwise(branch, x));
        graph.AddOutput(graph.Add("Gemm", Weight(graph, 3, 2), chosen));
        return model;
    }

    private static Value Squeeze(Graph graph, Value x) => graph.Add("Squeeze", x, Longs(graph, 2));
}
