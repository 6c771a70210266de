using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Calibration;

[TestClass]
public sealed class OrderedActivationsTests
{
    [TestMethod]
    public void Samples_come_in_their_order_fed_values_and_computed_ones()
    {
        Model model = Doubling(out Value x, out Value doubled);
        ListedSamples samples = new([.. Enumerable.Range(0, 9).Select(i => Tensor.Create([1, 2], new float[] { i, -i }))]);
        List<(float Fed, float Computed)> seen = [];

        OrderedActivations.Run(model, [x, doubled], samples, activations => seen.Add((activations[x][0], activations[doubled][0])), CancellationToken.None);

        CollectionAssert.AreEqual(Enumerable.Range(0, 9).Select(i => ((float)i, 2f * i)).ToArray(), seen);
    }

    [TestMethod]
    public void Shapes_are_those_of_the_sample()
    {
        Model model = Doubling(out Value x, out Value doubled);
        List<string> shapes = [];

        OrderedActivations.Run(
            model,
            [x, doubled],
            new ListedSamples([Tensor.Create([1, 2], new float[2]), Tensor.Create([3, 2], new float[6])]),
            activations => shapes.Add($"{string.Join('x', activations.ShapeOf(x))} {string.Join('x', activations.ShapeOf(doubled))}"),
            CancellationToken.None);

        CollectionAssert.AreEqual(new[] { "1x2 1x2", "3x2 3x2" }, shapes);
    }

    [TestMethod]
    public void A_sample_that_does_not_run_is_a_calibration_error()
    {
        Model model = Doubling(out _, out Value doubled);

        CalibrationException failure = Assert.ThrowsExactly<CalibrationException>(() => OrderedActivations.Run(
            model, [doubled], new ListedSamples([Tensor.Create([1, 3], new float[3])]), _ => { }, CancellationToken.None));

        StringAssert.StartsWith(failure.Message, "a calibration sample cannot be run: ");
    }

    private static Model Doubling(out Value x, out Value doubled)
    {
        Model model = Model.Create("doubling", 13, 7);
        x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "batch", 2));
        doubled = model.Graph.Add("Add", x, x);
        doubled.Type = new TensorType(ElementType.Float, "batch", 2);
        model.Graph.AddOutput(doubled);
        return model;
    }
}
