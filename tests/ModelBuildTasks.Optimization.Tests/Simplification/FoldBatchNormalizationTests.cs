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
    public void Refuses_a_weight_that_a_branch_reads()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4, 4, 4));
        Value w = Simplified.Weight(model.Graph, 4, 4, 1, 1);
        Value normalized = Simplified.Normalize(model.Graph, model.Graph.Add("Conv", x, w), 4);
        Value condition = model.Graph.Add("Greater", model.Graph.AddNode("ReduceMax", [x]).Set("keepdims", 0L).Output, model.Graph.AddInitializer("half", Tensor.Scalar(0.5f)));
        Value chosen = Branches.AddIf(condition, branch => branch.Add("Neg", w), branch => branch.Add("Exp", w));
        model.Graph.AddOutput(model.Graph.Add("Add", normalized, model.Graph.Add("ReduceMax", chosen)));

        Simplified result = Simplified.Of(model, Simplified.Random(1, 4, 4, 4));

        CollectionAssert.Contains(result.Operators, "BatchNormalization");
        Assert.Contains("'w' is used by another node", result.Refusals);
    }

    [TestMethod]
    public void Weights_of_half_precision_stay_so()
    {
        Model model = Model.Create("g", 17, 8);
        Graph g = model.Graph;
        Value x = g.AddInput("x", new TensorType(ElementType.Float16, 1, 1, 2, 2));
        Value[] parameters = [.. new[] { 3f, 1f, 0.5f, 4f }.Select((value, i) => g.AddInitializer($"p{i}", Tensor.Vector((Half)value)))];
        Value conv = g.Add("Conv", x, g.AddInitializer("w", Tensor.Create([1, 1, 1, 1], [(Half)2f])));
        g.AddOutput(g.Add("BatchNormalization", [conv, .. parameters]));

        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cuda));

        Node folded = model.Graph.Nodes.Single();
        Assert.AreEqual(ElementType.Float16, folded.Input(1)!.Constant!.ElementType);
        // γ/√(σ²+ε) = 3/2: W' = 2·3/2, b' = (0 − 0.5)·3/2 + 1.
        Assert.AreEqual(3f, folded.Input(1)!.Constant!.ToSingles()[0], 0.01f);
        Assert.AreEqual(0.25f, folded.Input(2)!.Constant!.ToSingles()[0], 0.01f);
    }

    [TestMethod]
    public void Leaves_a_normalization_by_the_batch()
    {
        Simplified result = Simplified.From([2, 4, 4, 4], (g, x) =>
        {
            Value conv = g.Add("Conv", x, Simplified.Weight(g, 4, 4, 1, 1));
            Value[] parameters = [.. Enumerable.Range(0, 4).Select(_ => Simplified.Weight(g, 4))];
            return g.AddNode("BatchNormalization", [conv, .. parameters], outputCount: 3).Set("training_mode", 1L).Output;
        });

        CollectionAssert.Contains(result.Operators, "BatchNormalization");
        Assert.Contains("training mode", result.Refusals);
    }

    [TestMethod]
    [DataRow(9L)]
    [DataRow(13L)]
    public void Before_operator_set_14_further_outputs_ask_for_the_batch_whether_they_are_read_or_not(long opset)
    {
        Model model = Model.Create("g", opset, 7);
        Graph g = model.Graph;
        Value conv = g.Add("Conv", g.AddInput("x", new TensorType(ElementType.Float, 2, 4, 4, 4)), Simplified.Weight(g, 4, 4, 1, 1));
        Value[] parameters = [.. Enumerable.Range(0, 4).Select(_ => Simplified.Weight(g, 4))];
        g.AddOutput(g.AddNode("BatchNormalization", [conv, .. parameters], outputCount: 5).Output);

        Simplified result = Simplified.Of(model, Simplified.Random(2, 4, 4, 4));

        CollectionAssert.Contains(result.Operators, "BatchNormalization");
        Assert.Contains("training mode", result.Refusals);
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
