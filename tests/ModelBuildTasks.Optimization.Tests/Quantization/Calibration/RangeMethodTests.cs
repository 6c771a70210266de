using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Calibration;

/// <summary>What holds of every method.</summary>
[TestClass]
public sealed class RangeMethodTests
{
    public static IEnumerable<object[]> Methods => Enum.GetValues<RangeMethod>().SelectMany(method => new object[][] { [method, "cpu"], [method, "tensorrt"] });

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Trap_13_tensors_without_numbers_or_with_one_number_have_a_range(RangeMethod method, string target)
    {
        Assert.AreEqual(default, Create(method, target).Range);
        Assert.AreEqual(default, Observations.RangeOf(Create(method, target), []));
        Assert.AreEqual(default, Observations.RangeOf(Create(method, target), new float[100]));
        Assert.AreEqual(new ValueRange(5, 5), Observations.RangeOf(Create(method, target), [5f, 5f], [5f]));
        Assert.AreEqual(new ValueRange(-0.25f, -0.25f), Observations.RangeOf(Create(method, target), [-0.25f]));
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Stays_inside_what_was_seen(RangeMethod method, string target)
    {
        foreach ((float factor, float offset) in new[] { (1f, 0f), (1e-30f, 0f), (1e30f, 0f), (0.1f, 7f), (3f, -100f), (1e-40f, 0f) })
        {
            float[] values = [.. Observations.Bell(5000).Select(value => value * factor + offset)];
            ValueRange range = Observations.RangeOf(Create(method, target), values);
            Assert.IsTrue(range.Lowest >= values.Min() && range.Highest <= values.Max() && range.Lowest <= range.Highest, $"{factor} {offset}: {range}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Sees_numbers_that_are_not_finite(RangeMethod method, string target)
    {
        IRangeObserver observer = Create(method, target);
        observer.Observe([1f, float.NaN, 2f]);
        observer.Observe([1f, float.PositiveInfinity]);
        observer.Observe([0.5f]);
        Assert.IsFalse(observer.Seen.IsFinite);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Does_not_depend_on_the_order_of_samples(RangeMethod method, string target)
    {
        float[][] samples = [.. Enumerable.Range(0, 20).Select(i => Observations.Bell(700, i).Select(value => value * (1 + i)).ToArray())];
        Assert.AreEqual(Observations.RangeOf(Create(method, target), samples), Observations.RangeOf(Create(method, target), samples.Reverse()));
    }

    [TestMethod]
    [DataRow(RangeMethod.Auto)]
    [DataRow(RangeMethod.Percentile)]
    [DataRow(RangeMethod.Entropy)]
    [DataRow(RangeMethod.MeanSquaredError)]
    public void Quantizes_a_network_by_the_method(RangeMethod method)
    {
        Assert.AreNotEqual(FirstScale(RangeMethod.MinMax), FirstScale(method));

        static float FirstScale(RangeMethod method)
        {
            SmallNetwork network = new();
            network.Classify(network.Convolve(network.Convolve(network.Input, "a"), "b"));
            float[][] samples = [.. Enumerable.Range(1, 8).Select(seed => Observations.Bell(32 * 16 * 16, seed))];
            samples[2][0] = 12;
            PassOutcome outcome = new StaticQuantization(method).Apply(
                network.Model, new PassContext(TargetProfiles.Cpu, new ListedSamples([.. samples.Select(sample => Tensor.Create(SmallNetwork.InputShape, sample))])));
            Assert.IsTrue(outcome.Changed, outcome.Explanation);
            return network.Graph.Nodes.First(node => node.OpType == "QuantizeLinear" && node.Inputs[0] == network.Input).Inputs[1]!.Initializer!.Span<float>()[0];
        }
    }

    private static IRangeObserver Create(RangeMethod method, string target) => method.Create(TargetProfiles.Find(target)!);
}
