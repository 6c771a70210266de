using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class MomentCollectorTests
{
    [TestMethod]
    public void Moments_are_those_of_all_rows_of_all_samples()
    {
        Model model = Doubling(out Value x, out Value y);
        ListedSamples samples = ListedSamples.Random([1, 5, 3], 10);

        InputMoments[] moments = MomentCollector.Run(model, [([x], 3), ([y], 3)], samples, CancellationToken.None);

        float[] all = [.. samples.Read().SelectMany(sample => sample.Inputs[0].ToSingles())];
        double[] expected = [.. Enumerable.Range(0, 3).Select(i => all.Chunk(3).Sum(row => (double)row[i] * row[i]))];
        Assert.AreEqual(50, moments[0].Rows);
        AssertDamped(expected, moments[0]);
        AssertDamped([.. expected.Select(moment => 4 * moment)], moments[1]);
    }

    [TestMethod]
    public void Moments_of_a_layer_that_stands_in_two_places_are_those_of_all_rows_that_it_reads()
    {
        Model model = Doubling(out Value x, out Value y);
        ListedSamples samples = ListedSamples.Random([1, 5, 3], 10);

        InputMoments moments = MomentCollector.Run(model, [([x, y], 3)], samples, CancellationToken.None).Single();

        float[] all = [.. samples.Read().SelectMany(sample => sample.Inputs[0].ToSingles())];
        Assert.AreEqual(100, moments.Rows);
        AssertDamped([.. Enumerable.Range(0, 3).Select(i => 5 * all.Chunk(3).Sum(row => (double)row[i] * row[i]))], moments);
    }

    [TestMethod]
    public void Without_a_sample_there_is_nothing_to_calibrate_on()
    {
        Model model = Doubling(out Value x, out _);

        CalibrationException exception = Assert.ThrowsExactly<CalibrationException>(() => MomentCollector.Run(model, [([x], 3)], new ListedSamples(), CancellationToken.None));
        StringAssert.Contains(exception.Message, "no calibration sample");
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void Numbers_that_are_not_finite_are_reported_with_the_tensor(float number)
    {
        Model model = Doubling(out _, out Value y);

        CalibrationException exception = Assert.ThrowsExactly<CalibrationException>(() => MomentCollector.Run(
            model, [([y], 3)], new ListedSamples(Tensor.Create([1, 1, 3], [1f, number, 2f])), CancellationToken.None));
        StringAssert.Contains(exception.Message, $"'{y.Name}'");
    }

    [TestMethod]
    public void An_empty_sample_adds_nothing()
    {
        Model model = Doubling(out _, out Value y);
        Tensor sample = Tensor.Create([1, 1, 3], [1f, 2f, 3f]);

        float[] alone = MomentCollector.Run(model, [([y], 3)], new ListedSamples(sample), CancellationToken.None)[0].Importance();
        float[] withEmpty = MomentCollector.Run(model, [([y], 3)], new ListedSamples(sample, Tensor.Create<float>([1, 0, 3], [])), CancellationToken.None)[0].Importance();

        CollectionAssert.AreEqual(alone, withEmpty);
    }

    [TestMethod]
    public void A_sample_that_cannot_be_run_is_reported()
    {
        Model model = Doubling(out _, out Value y);

        CalibrationException exception = Assert.ThrowsExactly<CalibrationException>(() => MomentCollector.Run(
            model, [([y], 3)], new ListedSamples(Tensor.Create([1, 4], [1f, 2f, 3f, 4f])), CancellationToken.None));
        StringAssert.Contains(exception.Message, "cannot be run");
    }

    [TestMethod]
    public void The_order_of_threads_does_not_show_in_the_sums()
    {
        Model model = Doubling(out _, out Value y);
        ListedSamples samples = ListedSamples.Random([1, 7, 3], 40);

        float[] first = MomentCollector.Run(model, [([y], 3)], samples, CancellationToken.None)[0].Importance();
        for (int run = 0; run < 5; run++)
        {
            CollectionAssert.AreEqual(first, MomentCollector.Run(model, [([y], 3)], samples, CancellationToken.None)[0].Importance());
        }
    }

    [TestMethod]
    public void Cancelling_ends_it()
    {
        Model model = Doubling(out _, out Value y);
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();

        Assert.ThrowsExactly<OperationCanceledException>(() => MomentCollector.Run(model, [([y], 3)], ListedSamples.Random([1, 1, 3], 4), cancelled.Token));
    }

    private static Model Doubling(out Value x, out Value y)
    {
        Model model = Model.Create("doubling", 13, 7);
        x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, "rows", 3));
        y = model.Graph.Add("Add", x, x);
        model.Graph.AddOutput(model.Graph.Add("Neg", y));
        return model;
    }

    private static void AssertDamped(double[] moments, InputMoments actual)
    {
        double damping = 0.01 * moments.Average();
        float[] importance = actual.Importance();
        for (int i = 0; i < moments.Length; i++)
        {
            Assert.AreEqual(moments[i] + damping, importance[i], 1e-4 * moments[i]);
        }
    }
}
