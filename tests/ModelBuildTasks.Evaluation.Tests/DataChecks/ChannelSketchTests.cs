using ModelBuildTasks.Evaluation.DataChecks;

namespace ModelBuildTasks.Evaluation.Tests.DataChecks;

[TestClass]
public sealed class ChannelSketchTests
{
    [TestMethod]
    public void Moments_extremes_and_deciles_are_those_of_the_numbers()
    {
        ChannelSketch sketch = new(0);
        Random random = new(1);
        float[] values = [.. Enumerable.Range(0, 50_000).Select(_ => 1000 + random.NextSingle())];
        foreach (float[] part in values.Chunk(700))
        {
            sketch.Add(part);
            sketch.Widen(part, 0, 1, part.Length);
        }

        InputDistribution found = sketch.Describe("x", null, 500);

        Assert.AreEqual(values.Average(value => (double)value), found.Mean, 1e-6);
        Assert.AreEqual(Math.Sqrt(1 / 12.0), found.Deviation, 0.002);
        Assert.AreEqual((values.Min(), values.Max()), ((float)found.Lowest, (float)found.Highest));
        Assert.HasCount(11, found.Edges);
        Assert.HasCount(12, found.Shares);
        for (int decile = 1; decile < 10; decile++)
        {
            Assert.AreEqual(1000 + decile / 10.0, found.Edges[decile], 0.02);
            Assert.AreEqual(0.1, found.Shares[decile], 0.001);
        }

        Assert.AreEqual(0, found.Shares[0]);
        Assert.AreEqual(0, found.Shares[^1]);
    }

    [TestMethod]
    public void Few_samples_have_few_bins_and_equal_numbers_share_one()
    {
        ChannelSketch sketch = new(0);
        sketch.Add([1, 1, 1, 1, 1, 1, 1, 1, 2, 3]);
        sketch.Widen([1, 2, 3], 0, 1, 3);

        InputDistribution found = sketch.Describe("x", null, 40);

        CollectionAssert.AreEqual(new[] { Math.BitDecrement(1.0), 1, 3 }, found.Edges.ToArray());
        Assert.AreEqual(0.8, found.Shares[1], 1e-9);
        Assert.AreEqual(0.2, found.Shares[2], 1e-9);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Numbers_that_are_not_finite_are_passed_over(int step)
    {
        ChannelSketch sketch = new(0);
        float[] values = [float.NaN, float.NaN, 4, 4, float.PositiveInfinity, float.PositiveInfinity, 2, 2];
        sketch.Add(values);
        sketch.Widen(values, 0, step, values.Length / step);

        InputDistribution found = sketch.Describe("x", null, 8);

        Assert.AreEqual((3, 2, 4), (found.Mean, found.Lowest, found.Highest));
    }

    [TestMethod]
    public void Nothing_has_no_bins()
    {
        InputDistribution found = new ChannelSketch(0).Describe("x", null, 0);

        Assert.IsEmpty(found.Edges);
        CollectionAssert.AreEqual(new double[] { 0 }, found.Shares.ToArray());
    }

    [TestMethod]
    public void The_largest_numbers_make_no_infinity()
    {
        ChannelSketch sketch = new(0);
        sketch.Add([-float.MaxValue, float.MaxValue]);
        sketch.Widen([-float.MaxValue, float.MaxValue], 0, 1, 2);

        InputDistribution found = sketch.Describe("x", null, 2);

        Assert.IsTrue(found.Edges.Append(found.Deviation).All(double.IsFinite));
    }
}
