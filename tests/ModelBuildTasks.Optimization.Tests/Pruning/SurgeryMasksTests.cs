using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Tests.Quantization;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class SurgeryMasksTests
{
    private const int Steps = 100;

    [TestMethod]
    [DataRow(0.5)]
    [DataRow(0.93)]
    public void The_sparsity_rises_and_ends_at_what_was_asked_for(double sparsity)
    {
        Parameter weight = Weight("w", 1000);
        SurgeryMasks masks = new([(weight, [.. weight.Values])], sparsity, PruningScope.Global, seed: 0);

        List<double> zeros = [];
        for (int step = 1; step <= Steps; step++)
        {
            Assert.AreEqual(step >= 60, masks.Settle(step, Steps));
            zeros.Add(Zeros(weight));
        }

        Assert.IsLessThan(sparsity / 2, zeros[1]);
        Assert.AreEqual(sparsity, zeros[^1], 1e-9);
        CollectionAssert.AreEqual(zeros.Order().ToList(), zeros);
    }

    [TestMethod]
    public void What_is_zero_at_the_start_stays_masked_until_it_has_grown()
    {
        Parameter weight = Weight("w", 1000);
        float[] whole = [.. weight.Values];
        Array.Clear(weight.Values, 0, 800);
        SurgeryMasks masks = new([(weight, whole)], 0.8, PruningScope.Global, seed: 0);

        for (int step = 1; step <= Steps; step++)
        {
            masks.Settle(step, Steps);
            Assert.AreEqual(0.8, Zeros(weight), 0.01);
        }

        Assert.AreEqual(800, weight.Seen.Take(800).Count(value => value == 0));
    }

    [TestMethod]
    public void A_weight_that_grew_while_it_was_masked_comes_back()
    {
        Parameter weight = Weight("w", 1000);
        SurgeryMasks masks = new([(weight, [.. weight.Values])], 0.5, PruningScope.Global, seed: 0);
        Run(masks, 1, 50);
        int masked = Array.IndexOf(weight.Seen, 0f);

        weight.Values[masked] = 10;
        Run(masks, 51, Steps);

        Assert.AreEqual(10, weight.Seen[masked]);
        Assert.AreEqual(0.5, Zeros(weight), 1e-9);
        Assert.AreEqual(1, masks.Spliced);
    }

    [TestMethod]
    public void Between_the_two_thresholds_weights_stay_as_they_are()
    {
        Parameter weight = Weight("w", 1000);
        SurgeryMasks masks = new([(weight, [.. weight.Values])], 0.5, PruningScope.Global, seed: 0);
        Run(masks, 1, 50);
        float threshold = weight.Seen.Where(value => value != 0).Min(Math.Abs);
        bool[] before = [.. weight.Mask!];

        for (int i = 0; i < before.Length; i++)
        {
            weight.Values[i] *= before[i] ? 0.99f : 1.01f;
        }

        Run(masks, 51, 59);

        Assert.IsGreaterThan(0, threshold);
        CollectionAssert.AreEqual(before, weight.Mask);
    }

    [TestMethod]
    public void Each_layer_gives_the_same_share_where_that_is_asked_for()
    {
        Parameter[] weights = [Weight("first", 400), Weight("second", 1000, bias: 0.5f)];

        Run(new SurgeryMasks([.. weights.Select(weight => (weight, (float[])[.. weight.Values]))], 0.8, PruningScope.Local, seed: 0), 1, Steps);

        Assert.AreEqual(0.8, Zeros(weights[0]), 1e-9);
        Assert.AreEqual(0.8, Zeros(weights[1]), 1e-9);
    }

    [TestMethod]
    public void Layers_of_any_scale_count_alike()
    {
        Parameter small = Weight("small", 1000, scale: 1e-4f), large = Weight("large", 1000, scale: 10);

        Run(new SurgeryMasks([(small, [.. small.Values]), (large, [.. large.Values])], 0.8, PruningScope.Global, seed: 0), 1, Steps);

        Assert.AreEqual(0.8, Zeros(small), 0.05);
        Assert.AreEqual(0.8, Zeros(large), 0.05);
    }

    [TestMethod]
    public void A_training_that_goes_on_behind_the_surgery_leaves_the_masks_as_they_were()
    {
        Parameter weight = Weight("w", 1000);
        Run(new SurgeryMasks([(weight, [.. weight.Values])], 0.7, PruningScope.Global, seed: 0), 1, 80);
        bool[] before = [.. weight.Mask!];
        // What is masked moves on, and would pass others.
        float[] moved = [.. weight.Values.Select((value, i) => before[i] ? value : 10f)];
        weight.Take(moved);
        weight.Mask = null;
        SurgeryMasks resumed = new([(weight, moved)], 0.7, PruningScope.Global, seed: 0);
        before.CopyTo(weight.Mask!, 0);
        resumed.ResumeSettled();

        Run(resumed, 81, 81);

        CollectionAssert.AreEqual(before, weight.Mask);
    }

    [TestMethod]
    public void Weights_of_one_magnitude_are_masked_to_the_share_too()
    {
        Parameter weight = new("w", Tensor.Create([8, 8], Enumerable.Repeat(0.5f, 64).ToArray()));

        Run(new SurgeryMasks([(weight, [.. weight.Values])], 0.5, PruningScope.Global, seed: 0), 1, Steps);

        Assert.AreEqual(0.5, Zeros(weight), 1e-9);
    }

    private static void Run(SurgeryMasks masks, int from, int to)
    {
        for (int step = from; step <= to; step++)
        {
            masks.Settle(step, Steps);
        }
    }

    private static Parameter Weight(string name, int count, float scale = 1, float bias = 0) =>
        new(name, Tensor.Create([count], Weights.Uniform(new Random(count), [count], -scale, scale).ToSingles().Select(value => value + (bias * Math.Sign(value))).ToArray()));

    private static double Zeros(Parameter weight) => weight.Seen.Count(value => value == 0) / (double)weight.Seen.Length;
}
