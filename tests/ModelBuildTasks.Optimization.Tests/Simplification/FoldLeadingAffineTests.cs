using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FoldLeadingAffineTests
{
    [TestMethod]
    public void A_scale_before_a_matrix_product_of_any_rank_moves_into_it() =>
        AssertLeaves(["MatMul"], Simplified.From([2, 3, 4], (g, x) => g.Add("MatMul", g.Add("Mul", x, Simplified.Weight(g, 4)), Simplified.Weight(g, 4, 5))));

    [TestMethod]
    public void A_scale_along_another_axis_than_the_sum_stays() =>
        AssertLeaves(["Mul", "MatMul"], Simplified.From([2, 4, 4], (g, x) => g.Add("MatMul", g.Add("Mul", x, Simplified.Weight(g, 4, 1)), Simplified.Weight(g, 4, 5))));

    [TestMethod]
    public void The_scale_of_a_normalization_stays_with_it()
    {
        Simplified result = Simplified.From([2, 3, 4], (g, x) =>
        {
            Value meanSquare = g.AddNode("ReduceMean", [g.Add("Mul", x, x)]).Set("axes", [-1L]).Output;
            Value root = g.Add("Sqrt", g.Add("Add", meanSquare, g.AddInitializer("epsilon", Tensor.Scalar(1e-5f))));
            return g.Add("MatMul", g.Add("Mul", g.Add("Div", x, root), Simplified.Weight(g, 4)), Simplified.Weight(g, 4, 5));
        });

        Assert.AreEqual(2, result.Operators.Count(op => op == "Mul"));
        Assert.Contains("belongs to a normalization", result.Refusals);
    }

    [TestMethod]
    public void The_shift_of_a_layer_normalization_stays_with_it()
    {
        Simplified result = Simplified.From([2, 3, 4], (g, x) =>
        {
            Value centered = g.Add("Sub", x, g.AddNode("ReduceMean", [x]).Set("axes", [-1L]).Output);
            Value variance = g.AddNode("ReduceMean", [g.Add("Mul", centered, centered)]).Set("axes", [-1L]).Output;
            Value root = g.Add("Sqrt", g.Add("Add", variance, Number(g, 1e-5f)));
            Value normalized = g.Add("Add", g.Add("Mul", g.Add("Div", centered, root), Simplified.Weight(g, 4)), Simplified.Weight(g, 4));
            return g.Add("Add", g.Add("MatMul", normalized, Simplified.Weight(g, 4, 5)), Simplified.Weight(g, 5));
        }, opset: 13);

        Assert.AreEqual(3, result.Operators.Count(op => op == "Add"));
        Assert.Contains("belongs to a normalization", result.Refusals);
    }

    [TestMethod]
    public void A_shift_before_a_matrix_product_stays_and_says_why()
    {
        Simplified result = Simplified.From([2, 3, 4], (g, x) => g.Add("MatMul", g.Add("Add", x, Simplified.Weight(g, 4)), Simplified.Weight(g, 4, 5)));

        AssertLeaves(["Add", "MatMul"], result);
        Assert.Contains("has no bias", result.Refusals);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_shift_before_a_matrix_product_moves_into_the_bias_added_behind_it(bool biasFirst) =>
        AssertLeaves(["MatMul", "Add"], Simplified.From([2, 3, 4], (g, x) =>
        {
            Value product = g.Add("MatMul", g.Add("Sub", x, Simplified.Weight(g, 4)), Simplified.Weight(g, 4, 5));
            return biasFirst ? g.Add("Add", Simplified.Weight(g, 5), product) : g.Add("Add", product, Simplified.Weight(g, 5));
        }));

    [TestMethod]
    public void A_mean_and_a_deviation_before_a_dense_layer_move_into_it() =>
        AssertLeaves(["Gemm"], Simplified.From(["n", 4], (g, x) =>
            g.Add("Add", g.Add("MatMul", g.Add("Div", g.Add("Sub", x, Simplified.Weight(g, 4)), Simplified.Weight(g, 4)), Simplified.Weight(g, 4, 5)), Simplified.Weight(g, 5))));

    [TestMethod]
    public void A_bias_that_is_no_vector_takes_no_shift()
    {
        Simplified result = Simplified.From([2, 3, 4], (g, x) =>
            g.Add("Add", g.Add("MatMul", g.Add("Add", x, Simplified.Weight(g, 4)), Simplified.Weight(g, 4, 5)), Simplified.Weight(g, 3, 5)));

        AssertLeaves(["Add", "MatMul", "Add"], result);
        Assert.Contains("has no bias", result.Refusals);
    }

    [TestMethod]
    public void A_product_that_is_read_otherwise_takes_no_shift() =>
        AssertLeaves(["Add", "MatMul", "Add", "Mul"], Simplified.From([2, 3, 4], (g, x) =>
        {
            Value product = g.Add("MatMul", g.Add("Add", x, Simplified.Weight(g, 4)), Simplified.Weight(g, 4, 5));
            return g.Add("Mul", g.Add("Add", product, Simplified.Weight(g, 5)), product);
        }));

    [TestMethod]
    public void One_constant_for_all_moves_through_a_flatten_into_a_dense_layer() =>
        AssertLeaves(["Flatten", "Gemm"], Simplified.From(["n", 2, 3], (g, x) =>
            g.Add("Gemm", g.Add("Flatten", g.Add("Sub", g.Add("Div", x, Number(g, 255)), Number(g, 0.5f))), Simplified.Weight(g, 6, 4), Simplified.Weight(g, 4))));

    [TestMethod]
    public void One_factor_for_all_moves_through_a_transpose_into_a_padded_convolution() =>
        AssertLeaves(["Transpose", "Conv"], Simplified.From([1, 5, 5, 3], (g, x) => Convolve(g, g.Add("Mul", x, Number(g, 2)))));

    [TestMethod]
    public void One_shift_for_all_stays_before_a_padded_convolution()
    {
        Simplified result = Simplified.From([1, 5, 5, 3], (g, x) => Convolve(g, g.Add("Add", x, Number(g, 2))));

        AssertLeaves(["Add", "Transpose", "Conv"], result);
        Assert.Contains("pads with zeros", result.Refusals);
    }

    [TestMethod]
    public void A_constant_for_each_channel_stays_before_a_transpose() =>
        AssertLeaves(["Mul", "Transpose", "Conv"], Simplified.From([1, 5, 5, 3], (g, x) => Convolve(g, g.Add("Mul", x, Simplified.Weight(g, 3)))));

    [TestMethod]
    public void A_constant_that_raises_the_rank_stays_before_a_reshape() =>
        AssertLeaves(["Mul", "Reshape", "Gemm"], Simplified.From([2, 6], (g, x) =>
            g.Add("Gemm", g.Add("Reshape", g.Add("Mul", x, g.AddInitializer("one", Tensor.Create([1, 1, 1], [2f]))), Simplified.Longs(g, 4, 3)), Simplified.Weight(g, 3, 4), Simplified.Weight(g, 4))));

    [TestMethod]
    public void A_moved_result_that_is_read_otherwise_keeps_its_arithmetic()
    {
        Simplified result = Simplified.From([2, 3, 2], (g, x) =>
        {
            Value flat = g.Add("Flatten", g.Add("Mul", x, Number(g, 2)));
            return g.Add("Mul", g.Add("Gemm", flat, Simplified.Weight(g, 6, 6), Simplified.Weight(g, 6)), flat);
        });

        AssertLeaves(["Mul", "Flatten", "Gemm", "Mul"], result);
        Assert.Contains("is used by another node", result.Refusals);
    }

    [TestMethod]
    public void A_normalization_before_an_unpadded_convolution_moves_into_it() =>
        AssertLeaves(["Conv"], Simplified.From([1, 4, 5, 5], (g, x) => g.AddNode("Conv", [Simplified.Normalize(g, x, 4), Simplified.Weight(g, 6, 2, 3, 3), Simplified.Weight(g, 6)]).Set("group", 2L).Output));

    [TestMethod]
    public void A_scale_before_a_padded_convolution_moves_into_it() =>
        AssertLeaves(["Conv"], Simplified.From([1, 3, 5, 5], (g, x) => Padded(g, g.Add("Mul", x, Simplified.Weight(g, 3, 1, 1)))));

    [TestMethod]
    public void A_shift_before_a_padded_convolution_stays_and_says_why()
    {
        Simplified result = Simplified.From([1, 3, 5, 5], (g, x) => Padded(g, g.Add("Add", x, Simplified.Weight(g, 3, 1, 1))));

        AssertLeaves(["Add", "Conv"], result);
        Assert.Contains("pads with zeros", result.Refusals);
    }

    [TestMethod]
    public void Halves_that_would_lose_their_digits_are_not_scaled_down()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float16, 1, 64, 8, 8));
        Value scaled = model.Graph.Add("Mul", x, model.Graph.AddInitializer("scale", Tensor.Scalar((Half)(1 / 255.0))));
        Half[] weights = [.. Enumerable.Range(0, 8 * 64 * 9).Select(i => (Half)(0.001 * Math.Sin(i)))];
        model.Graph.AddOutput(model.Graph.Add("Conv", scaled, model.Graph.AddInitializer("w", Tensor.Create([8, 64, 3, 3], weights))));

        PassOutcome outcome = new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        Assert.HasCount(2, model.Graph.Nodes);
        Assert.Contains("below the smallest normal number of Float16", string.Join("\n", outcome.Refusals));
    }

    [TestMethod]
    public void A_few_halves_near_zero_do_not_keep_a_factor_from_folding()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float16, 1, 64, 8, 8));
        Value scaled = model.Graph.Add("Mul", x, model.Graph.AddInitializer("scale", Tensor.Scalar((Half)0.5)));
        Half[] weights = [.. Enumerable.Range(0, 8 * 64 * 9).Select(i => (Half)(i % 50 == 0 ? 7e-5 : 0.1 * Math.Sin(i)))];
        model.Graph.AddOutput(model.Graph.Add("Conv", scaled, model.Graph.AddInitializer("w", Tensor.Create([8, 64, 3, 3], weights))));

        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        Assert.HasCount(1, model.Graph.Nodes);
    }

    [TestMethod]
    public void Single_weights_that_would_fall_below_the_normal_numbers_stay() =>
        Simplified.AssertLeaves(
            ["Mul", "Conv", "Relu", "Mul"],
            Simplified.From([1, 8, 4, 4], (g, x) => g.Add("Mul", g.Add("Relu", g.Add("Conv", g.Add("Mul", x, g.AddInitializer("tiny", Tensor.Scalar(1e-38f))), Simplified.Weight(g, 8, 8, 3, 3))), g.AddInitializer("huge", Tensor.Scalar(1e38f)))));

    private static Value Padded(Graph g, Value x) => g.AddNode("Conv", [x, Simplified.Weight(g, 4, 3, 3, 3)]).Set("pads", [1L, 1, 1, 1]).Output;

    private static void AssertLeaves(string[] operators, Simplified result) => CollectionAssert.AreEqual(operators, result.Operators);

    private static Value Convolve(Graph g, Value x) =>
        g.AddNode("Conv", [g.AddNode("Transpose", [x]).Set("perm", [0L, 3, 1, 2]).Output, Simplified.Weight(g, 4, 3, 3, 3)]).Set("pads", [1L, 1, 1, 1]).Output;

    private static Value Number(Graph g, float value) => g.AddInitializer("number", Tensor.Scalar(value));
}
