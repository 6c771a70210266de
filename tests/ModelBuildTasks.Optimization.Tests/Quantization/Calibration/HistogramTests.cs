using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Calibration;

[TestClass]
public sealed class HistogramTests
{
    [TestMethod]
    public void Counts_each_number_in_the_bin_where_it_lies()
    {
        float[] values = Observations.Bell(10_001);

        Histogram histogram = Of([values]);

        Assert.AreEqual(values.Length, histogram.Count);
        Dictionary<int, int> expected = values.CountBy(value => (int)Math.Floor(value / histogram.Width)).ToDictionary();
        for (int bin = -Histogram.BinsOfSide; bin < Histogram.BinsOfSide; bin++)
        {
            Assert.AreEqual(expected.GetValueOrDefault(bin), histogram[bin], $"bin {bin}");
        }
    }

    [TestMethod]
    [DataRow(1f)]
    [DataRow(-0.3f)]
    [DataRow(3e38f)]
    [DataRow(2e-25f)]
    public void At_least_half_of_the_bins_of_the_larger_side_are_in_use(float extreme)
    {
        Histogram histogram = Of([[extreme, 0]]);

        int bin = (int)Math.Floor(extreme / histogram.Width);
        Assert.AreEqual(1, histogram[bin]);
        Assert.IsInRange(Histogram.BinsOfSide / 2, Histogram.BinsOfSide, Math.Abs(bin));
    }

    [TestMethod]
    public void Does_not_depend_on_the_order_of_samples()
    {
        float[][] samples = [.. Enumerable.Range(0, 12).Select(i => Observations.Bell(500, i).Select(value => value * MathF.Pow(3, i - 6)).ToArray())];
        long[] expected = Counts(Of(samples));

        CollectionAssert.AreEqual(expected, Counts(Of(samples.Reverse())));
        CollectionAssert.AreEqual(expected, Counts(Of([[.. samples.SelectMany(sample => sample)]])));
    }

    [TestMethod]
    public void Does_not_depend_on_the_threads_that_bring_samples()
    {
        float[][] samples = [.. Enumerable.Range(0, 64).Select(i => Observations.Bell(3000, i).Select(value => value * (1 + i % 7 * 10)).ToArray())];
        Histogram histogram = new();

        Parallel.ForEach(samples, new ParallelOptions { MaxDegreeOfParallelism = 8 }, sample => histogram.Add(sample, ValueRange.Of(sample)));

        CollectionAssert.AreEqual(Counts(Of(samples)), Counts(histogram));
    }

    [TestMethod]
    public void A_coarse_form_has_the_same_counts_in_at_most_so_many_bins_that_are_in_use_at_either_end()
    {
        float[] values = [-1.5f, -1.49f, 0, 0.25f, 0.3f, 2.9f];

        NumberHistogram coarse = Of([values]).Coarse(10)!;

        Assert.IsLessThanOrEqualTo(10, coarse.Counts.Count);
        Assert.IsTrue(coarse.Counts[0] > 0 && coarse.Counts[^1] > 0);
        for (int bin = 0; bin < coarse.Counts.Count; bin++)
        {
            double edge = coarse.Lowest + bin * coarse.Width;
            Assert.AreEqual(values.Count(value => value >= edge && value < edge + coarse.Width), coarse.Counts[bin]);
        }
    }

    [TestMethod]
    public void Nothing_but_zeros_has_no_coarse_form()
    {
        Assert.IsNull(new Histogram().Coarse(10));
        Assert.IsNull(Of([[0, 0]]).Coarse(10));
    }

    private static Histogram Of(IEnumerable<float[]> samples)
    {
        Histogram histogram = new();
        foreach (float[] sample in samples)
        {
            histogram.Add(sample, ValueRange.Of(sample));
        }

        return histogram;
    }

    private static long[] Counts(Histogram histogram) => [.. Enumerable.Range(-Histogram.BinsOfSide, 2 * Histogram.BinsOfSide).Select(bin => histogram[bin])];
}
