using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FoldBatchNormalizationTests
{
    [TestMethod]
    public void Folds_batch_normalization_into_convolution() =>
        AssertLeaves(["Conv"], Simplified.From([1, 4, 6, 6], (g, x) => Simplified.Normalize(g, g.Add("Conv", x, Simplified.Weight(g, 5, 4, 3, 3), Simplified.Weight(g, 5)), 5)));

    [TestMethod]
    public void Folds_into_a_grouped_convolution() =>
        AssertLeaves(["Conv"], Simplified.From([1, 4, 6, 6], (g, x) => Simplified.Normalize(g, g.AddNode("Conv", [x, Simplified.Weight(g, 4, 1, 3, 3)]).Set("group", 4L).Output, 4)));

    [TestMethod]
    public void Folds_into_a_grouped_transposed_convolution() =>
        AssertLeaves(["ConvTranspose"], Simplified.From([1, 4, 6, 6], (g, x) => Simplified.Normalize(g, g.AddNode("ConvTranspose", [x, Simplified.Weight(g, 4, 3, 2, 2)]).Set("group", 2L).Output, 6)));

    [TestMethod]
    [DataRow(0L)]
    [DataRow(1L)]
    public void Folds_into_a_scaled_matrix_product(long transposed) =>
        AssertLeaves(["Gemm"], Simplified.From(["n", 4], (g, x) =>
        {
            Value w = transposed == 0 ? Simplified.Weight(g, 4, 5) : Simplified.Weight(g, 5, 4);
            Node gemm = g.AddNode("Gemm", [x, w, Simplified.Weight(g, 1, 5)]).Set("transB", transposed).Set("alpha", 0.5f).Set("beta", 2f);
            return Simplified.Normalize(g, gemm.Output, 5);
        }));

    [TestMethod]
    public void A_matrix_product_becomes_a_gemm() =>
        AssertLeaves(["Gemm"], Simplified.From(["n", 4], (g, x) => Simplified.Normalize(g, g.Add("MatMul", x, Simplified.Weight(g, 4, 5)), 5)));

    [TestMethod]
    public void Refuses_a_scale_that_overflows_the_weights_of_a_matrix_product()
    {
        Model model = Model.Create("g", 17, 8);
        Graph g = model.Graph;
        Value x = g.AddInput("x", new TensorType(ElementType.Float, 1, 2));
        Value product = g.Add("MatMul", x, g.AddInitializer("w", Tensor.Create([2, 2], new[] { 3e37f, 0, 0, 3e37f })));
        Value[] statistics = [.. new[] { 1f, 0f, 0f, 0f }.Select((value, i) => g.AddInitializer($"s{i}", Tensor.Vector(value, value)))];
        g.AddOutput(g.Add("BatchNormalization", [product, .. statistics]));

        PassOutcome outcome = new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        CollectionAssert.AreEqual(new[] { "MatMul", "BatchNormalization" }, model.Graph.TopologicalOrder().Select(node => node.OpType).ToArray(), outcome.Explanation);
    }

    [TestMethod]
    public void Refuses_a_weight_that_another_node_reads()
    {
        Simplified result = Simplified.From([1, 4, 4, 4], (g, x) =>
        {
            Value w = Simplified.Weight(g, 4, 4, 1, 1);
            Value first = Simplified.Normalize(g, g.Add("Conv", x, w), 4);
            return g.Add("Conv", first, w);
        });

        CollectionAssert.Contains(result.Operators, "BatchNormalization");
        Assert.Contains("'w' is used by another node", result.Refusals);
    }

    [TestMethod]
    public void Refuses_when_the_plain_result_is_read_too()
    {
        Simplified result = Simplified.From([1, 4, 4, 4], (g, x) =>
        {
            Value plain = g.Add("Conv", x, Simplified.Weight(g, 4, 4, 1, 1));
            return g.Add("Add", Simplified.Normalize(g, plain, 4), plain);
        });

        CollectionAssert.Contains(result.Operators, "BatchNormalization");
    }

    [TestMethod]
    public void Leaves_a_matrix_product_of_more_dimensions()
    {
        Simplified result = Simplified.From([2, 3, 4], (g, x) => Simplified.Normalize(g, g.Add("MatMul", x, Simplified.Weight(g, 4, 3)), 3));

        CollectionAssert.AreEqual(new[] { "MatMul", "BatchNormalization" }, result.Operators);
    }

    private static void AssertLeaves(string[] operators, Simplified result) => CollectionAssert.AreEqual(operators, result.Operators);
}
