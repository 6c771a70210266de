using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>Shifts that would cost digits inside a layer: each is tried where it takes its input to zero, or is taken away again.</summary>
[TestClass]
public class ShiftRoundingTests
{
    [TestMethod]
    public void The_mean_of_an_image_stays_before_a_convolution_without_bias_and_the_deviation_goes()
    {
        Simplified result = Near([123.675f, 116.28f, 103.53f], [1, 3, 1, 1], [1, 3, 5, 5], (g, x, mean) =>
            g.Add("Conv", g.Add("Div", g.Add("Sub", x, mean), g.AddInitializer("deviation", Tensor.Create([1, 3, 1, 1], [58.395f, 57.12f, 57.375f]))), Weight(g, 8, 3, 3, 3)));

        AssertLeaves(["Sub", "Conv"], result);
        Assert.Contains("would be rounded beside its bias", result.Refusals);
    }

    [TestMethod]
    public void A_mean_of_ten_thousand_stays_before_a_convolution() =>
        AssertLeaves(["Sub", "Conv"], Near([1e4f], [], [1, 3, 4, 4], (g, x, mean) => g.Add("Conv", g.Add("Sub", x, mean), Weight(g, 2, 3, 3, 3))));

    [TestMethod]
    public void A_standardized_year_keeps_its_mean_before_a_dense_layer() =>
        AssertLeaves(["Sub", "Gemm"], Near([2010f, 101325f], [2], [3, 2], (g, x, mean) =>
            g.Add("Gemm", g.Add("Div", g.Add("Sub", x, mean), g.AddInitializer("deviation", Tensor.Vector(5f, 500f))), Weight(g, 2, 8), Weight(g, 8))));

    [TestMethod]
    public void A_large_mean_stays_before_a_product_with_an_added_bias() =>
        AssertLeaves(["Sub", "MatMul", "Add"], Near([2000f], [], [1, 2, 4], (g, x, mean) => g.Add("Add", g.Add("MatMul", g.Add("Sub", x, mean), Weight(g, 4, 3)), Weight(g, 3))));

    [TestMethod]
    public void A_mean_that_the_bias_outweighs_moves_into_the_layer_and_near_it_the_result_is_the_same() =>
        AssertLeaves(["Gemm"], Near([2f], [], [3, 512], (g, x, mean) => g.Add("Gemm", g.Add("Sub", x, mean), Weight(g, 512, 8), g.AddInitializer("bias", Tensor.Vector<float>([.. Enumerable.Repeat(40f, 8)])))));

    [TestMethod]
    public void Shifts_in_a_row_count_together_against_the_bias_that_the_layer_came_with()
    {
        // Each alone is 19 times the bias that it finds, the sum of weights being 4 and the bias 1.
        Simplified result = Near([1900f], [], [3, 4], (g, x, mean) =>
        {
            Value near = g.Add("Sub", x, mean);
            Value second = g.Add("Sub", g.Add("Add", near, Number(g, 1895.25f)), Number(g, -4.75f));
            return g.Add("Gemm", second, g.AddInitializer("w", Tensor.Create([4, 2], [.. Enumerable.Repeat(1f, 8)])), g.AddInitializer("bias", Tensor.Vector(1f, 1f)));
        });

        CollectionAssert.Contains(result.Operators, "Add");
        Assert.Contains("would be rounded beside its bias", result.Refusals);
    }

    [TestMethod]
    [DataRow(0.001f)]
    [DataRow(1e-6f)]
    public void What_the_alpha_of_a_Gemm_makes_small_keeps_a_shift_behind_it_apart(float alpha) =>
        AssertLeaves(["Gemm", "Add", "Sub"], From([3, 8], (g, x) =>
            g.Add("Sub", g.Add("Add", g.AddNode("Gemm", [x, Weight(g, 8, 3)]).Set("alpha", alpha).Output, Number(g, 50)), Number(g, 50))));

    [TestMethod]
    public void What_is_added_behind_a_layer_and_taken_away_again_stays()
    {
        Simplified result = From([1, 3, 4, 4], (g, x) => g.Add("Sub", g.Add("Add", g.Add("Conv", x, Weight(g, 2, 3, 1, 1)), Number(g, 1e8f)), Number(g, 1e8f)));

        AssertLeaves(["Conv", "Add", "Sub"], result);
        Assert.Contains("would be rounded beside a bias of order 1e+08", result.Refusals);
    }

    [TestMethod]
    public void A_bias_that_is_taken_away_again_folds_up_to_the_stated_weight() =>
        AssertLeaves(["Conv"], From([1, 3, 4, 4], (g, x) =>
        {
            // The sums of the weights are 1.5, and of both shifts together 80 times as much is just allowed.
            Value layer = g.Add("Conv", x, g.AddInitializer("w", Tensor.Create([2, 3, 1, 1], [0.5f, 0.5f, 0.5f, 0.25f, 0.5f, 0.75f])));
            return g.Add("Sub", g.Add("Add", layer, Number(g, 59.9f)), Number(g, 59.9f));
        }));

    [TestMethod]
    public void A_channel_that_is_only_its_bias_does_not_keep_a_normalization_from_folding() =>
        AssertLeaves(["Conv"], From([1, 2, 4, 4], (g, x) =>
        {
            Value dead = g.AddInitializer("w", Tensor.Create([2, 2, 1, 1], [0.5f, 0.25f, 1e-37f, 2e-37f]));
            Value scale = g.AddInitializer("scale", Tensor.Vector(0.7f, 1e-3f));
            return g.Add("BatchNormalization", g.Add("Conv", x, dead), scale, Weight(g, 2), Weight(g, 2), Weight(g, 2));
        }));

    /// <summary>Simplifies a layer with a mean taken from its input, which is fed as just that, and a little more in one place.</summary>
    private static Simplified Near(float[] mean, long[] meanShape, long[] shape, Func<Graph, Value, Value, Value> build)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, [.. shape.Select(size => (Dimension)size)]));
        model.Graph.AddOutput(build(model.Graph, x, model.Graph.AddInitializer("mean", Tensor.Create(meanShape, mean))));
        long inner = shape[2..].Aggregate(1L, (product, size) => product * size);
        float[] fed = [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (product, size) => product * size)).Select(i => mean[meanShape.Length == 0 ? 0 : (int)(i / inner % mean.Length)])];
        fed[^1] *= 1.001f;
        return Of(model, Tensor.Create(shape, fed));
    }

    private static Value Number(Graph g, float value) => g.AddInitializer("number", Tensor.Scalar(value));
}
