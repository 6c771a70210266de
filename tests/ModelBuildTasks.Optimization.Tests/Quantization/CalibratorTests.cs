using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class CalibratorTests
{
    [TestMethod]
    public void Observes_computed_and_fed_tensors_over_all_samples()
    {
        Model model = Doubling(out Value x, out Value y);
        ListedSamples samples = new(Tensor.Create([1, 2], [1f, -3f]), Tensor.Create([1, 2], [0.5f, 2f]));

        Dictionary<Value, IRangeObserver> observed = Calibrator.Run(model, [x, y], samples, _ => new MinMaxObserver(), null, CancellationToken.None);

        Assert.AreEqual(new ValueRange(-3, 2), observed[x].Range);
        Assert.AreEqual(new ValueRange(-6, 4), observed[y].Range);
    }

    [TestMethod]
    public void Rows_of_a_batch_tell_what_samples_of_one_row_do()
    {
        Model model = Model.Create("batches", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "batch", 2, 2));
        Value y = model.Graph.Add("Identity", x);
        model.Graph.AddOutput(y);
        // Channel 0 is about 1, channel 1 about 10.
        ListedSamples samples = new(Tensor.Create([1, 2, 2], [1f, 1f, 10f, 10f]), Tensor.Create([2, 2, 2], [0f, 2f, 9f, 11f, 1f, 1f, 12f, 8f]));

        Dictionary<Value, IRangeObserver> observed = Calibrator.Run(model, [x, y], samples, _ => new ChannelMeanObserver(new MinMaxObserver(), 2), null, CancellationToken.None);

        CollectionAssert.AreEqual(new[] { 1.0, 10.0 }, ((ChannelMeanObserver)observed[x]).Means);
        CollectionAssert.AreEqual(new[] { 1.0, 10.0 }, ((ChannelMeanObserver)observed[y]).Means);
    }

    [TestMethod]
    public void Leaves_the_model_as_it_was()
    {
        Model model = Doubling(out _, out Value y);
        byte[] before = model.ToBytes();
        Calibrator.Run(model, [y], new ListedSamples(Tensor.Create([1, 2], [1f, -3f])), _ => new MinMaxObserver(), null, CancellationToken.None);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void Names_a_tensor_that_is_not_finite(float number)
    {
        Model model = Doubling(out _, out Value y);
        CalibrationException exception = Assert.ThrowsExactly<CalibrationException>(() => Calibrator.Run(
            model, [y], new ListedSamples(Tensor.Create([1, 2], [1f, number])), _ => new MinMaxObserver(), null, CancellationToken.None));
        StringAssert.Contains(exception.Message, $"'{y.Name}'");
    }

    [TestMethod]
    public void Stops_when_cancelled()
    {
        Model model = Doubling(out _, out Value y);
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(() => Calibrator.Run(
            model, [y], ListedSamples.Random([1, 2], 4), _ => new MinMaxObserver(), null, cancelled.Token));
    }

    [TestMethod]
    public void Reports_progress_up_to_the_last_sample()
    {
        Model model = Doubling(out _, out Value y);
        Highest progress = new();
        Calibrator.Run(model, [y], ListedSamples.Random([1, 2], 10), _ => new MinMaxObserver(), progress, CancellationToken.None);
        Assert.AreEqual(1.0, progress.Seen);
    }

    [TestMethod]
    public void Has_the_range_of_zero_where_nothing_was_seen()
    {
        MinMaxObserver observer = new();
        observer.Observe([]);
        Assert.AreEqual(default, observer.Range);
    }

    [TestMethod]
    public void Means_do_not_depend_on_the_order_of_samples()
    {
        Random random = new(3);
        float[][] samples = [.. Enumerable.Range(0, 50).Select(_ => Weights.Uniform(random, [2, 7], -3, 5).ToSingles())];

        double[] forward = Means(samples);

        CollectionAssert.AreEqual(forward, Means(samples.Reverse()));
        Assert.AreEqual(samples.Average(sample => sample.Take(7).Average()), forward[0], 1e-6);
        Assert.AreEqual(samples.Average(sample => sample.Skip(7).Average()), forward[1], 1e-6);

        static double[] Means(IEnumerable<float[]> samples)
        {
            ChannelMeanObserver observer = new(new MinMaxObserver(), channels: 2);
            foreach (float[] sample in samples)
            {
                observer.Observe(sample);
            }

            return observer.Means!;
        }
    }

    private static Model Doubling(out Value x, out Value y)
    {
        Model model = Model.Create("doubling", 13, 7);
        x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 2));
        y = model.Graph.Add("Add", x, x);
        model.Graph.AddOutput(model.Graph.Add("Neg", y));
        return model;
    }

    private sealed class Highest : IProgress<double>
    {
        private readonly Lock gate = new();

        internal double Seen { get; private set; }

        public void Report(double value)
        {
            lock (gate)
            {
                Seen = Math.Max(Seen, value);
            }
        }
    }
}
