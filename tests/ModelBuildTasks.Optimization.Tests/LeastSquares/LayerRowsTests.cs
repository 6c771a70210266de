using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.LeastSquares;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Rounding;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.LeastSquares;

[TestClass]
public sealed class LayerRowsTests
{
    [TestMethod]
    [DataRow(1, new long[] { 3, 3 }, new long[] { 1, 1 }, new long[] { 1, 1 }, new long[] { 1, 1, 1, 1 }, null)]
    [DataRow(2, new long[] { 3, 2 }, new long[] { 2, 1 }, new long[] { 1, 2 }, new long[] { 0, 1, 2, 0 }, null)]
    [DataRow(4, new long[] { 3, 3 }, new long[] { 2, 2 }, new long[] { 1, 1 }, null, "SAME_UPPER")]
    [DataRow(4, new long[] { 2, 2 }, new long[] { 2, 2 }, new long[] { 2, 2 }, null, "SAME_LOWER")]
    [DataRow(1, new long[] { 1, 1 }, new long[] { 1, 1 }, new long[] { 1, 1 }, null, "VALID")]
    [DataRow(2, new long[] { 3 }, new long[] { 2 }, new long[] { 1 }, new long[] { 2, 0 }, null)]
    public void Rows_times_weights_are_the_convolution_that_the_runtime_computes(int groups, long[] kernel, long[] strides, long[] dilations, long[]? pads, string? automatic)
    {
        Random random = new(3);
        long[] shape = kernel.Length == 2 ? [2, 8, 7, 6] : [2, 8, 9];
        Model model = Model.Create("conv", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, [.. shape.Select(size => (Dimension)size)]));
        Value weight = model.Graph.AddInitializer("w", Weights.Uniform(random, [4, 8 / groups, .. kernel]));
        Node node = model.Graph.AddNode("Conv", [x, weight]).Set("group", groups).Set("strides", strides);
        if (automatic is null)
        {
            node.Set("dilations", dilations).Set("pads", pads!);
        }
        else
        {
            node.Set("auto_pad", automatic);
        }

        Check(model, node, Weights.Uniform(random, shape));
    }

    [TestMethod]
    public void Rows_times_weights_are_the_product_that_the_runtime_computes()
    {
        Random random = new(4);
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3, 5));
        Node node = model.Graph.AddNode("MatMul", [x, model.Graph.AddInitializer("w", Weights.Uniform(random, [5, 4]))]);

        Check(model, node, Weights.Uniform(random, [2, 3, 5]));
    }

    private static void Check(Model model, Node node, Tensor input)
    {
        node.Output.Name = "y";
        node.Output.Type = new TensorType(ElementType.Float, (IReadOnlyList<Dimension>?)null);
        model.Graph.AddOutput(node.Output);
        Layer layer = Layer.From(node, out _)!.Canonical();
        using ModelSession session = ModelSession.Open(model);
        Tensor expected = session.Run([input])[0];
        float[] y = expected.ToSingles();
        float[] weights = FittedLayer.OutputMajor(layer);
        int channels = layer.OutputChannels;
        int plane = node.OpType == "Conv" ? (int)(expected.Length / input.Dimensions[0] / channels) : 1;

        LayerRows rows = new(layer, input.Dimensions);

        Assert.AreEqual(expected.Length, (long)rows.Positions * channels);
        float[] row = new float[rows.Inputs];
        int[] offsets = new int[rows.Taps];
        for (int position = 0; position < rows.Positions; position++)
        {
            rows.Locate(position, offsets);
            for (int channel = 0; channel < channels; channel++)
            {
                rows.Read(input.ToSingles(), channel / (channels / rows.Groups), offsets, row);
                float product = row.Select((value, i) => value * weights[channel * rows.Inputs + i]).Sum();
                Assert.AreEqual(y[(position / plane * channels + channel) * plane + position % plane], product, 1e-4f);
            }
        }
    }
}
