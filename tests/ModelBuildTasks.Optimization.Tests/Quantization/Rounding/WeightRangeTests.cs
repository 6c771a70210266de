using ModelBuildTasks.Optimization.Quantization.Rounding;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Rounding;

[TestClass]
public sealed class WeightRangeTests
{
    [TestMethod]
    [DataRow(64)]
    [DataRow(127)]
    public void Costs_no_more_than_the_full_range(int largestCode)
    {
        Random random = new(5);
        for (int trial = 0; trial < 50; trial++)
        {
            float[] weights = [.. Enumerable.Range(0, 40).Select(_ => random.NextSingle() - 0.4f)];
            float[] importance = [.. Enumerable.Range(0, 40).Select(_ => random.NextSingle())];
            float full = weights.Max(Math.Abs) / largestCode;

            float scale = WeightRange.Find(weights, importance, largestCode);

            Assert.IsLessThanOrEqualTo(WeightRange.Error(weights, importance, full, largestCode), WeightRange.Error(weights, importance, scale, largestCode));
        }
    }

    [TestMethod]
    public void Cuts_a_large_weight_that_hardly_counts()
    {
        Random random = new(6);
        float[] weights = [1, .. Enumerable.Range(0, 100).Select(_ => random.NextSingle() * 1.2f - 0.6f)];
        float[] importance = [1e-6f, .. Enumerable.Repeat(1f, 100)];

        float scale = WeightRange.Find(weights, importance, 64);

        Assert.IsLessThan(0.8f / 64, scale);
    }

    [TestMethod]
    public void Weights_of_zero_have_the_scale_zero()
    {
        Assert.AreEqual(0, WeightRange.Find(new float[4], [1, 1, 1, 1], 64));
    }
}
