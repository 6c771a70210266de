using ModelBuildTasks.Optimization.Quantization.Smoothing;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Smoothing;

[TestClass]
public sealed class ChannelRowsTests
{
    private const int Channels = 4;

    [TestMethod]
    public void The_largest_magnitude_of_each_channel_is_known()
    {
        ChannelRows rows = new(Channels);
        rows.Observe([1, -2, 3, 0, -5, 1, 1, 0]);
        rows.Observe([2, 1, -4, 0]);

        CollectionAssert.AreEqual(new float[] { 5, 2, 4, 0 }, rows.Largest.ToArray());
    }

    [TestMethod]
    public void The_rows_that_are_kept_do_not_depend_on_the_order_of_samples()
    {
        float[][] samples = [.. Weights.Uniform(new Random(1), [50, 40 * Channels]).ToSingles().Chunk(40 * Channels)];
        ChannelRows forwards = new(Channels);
        ChannelRows backwards = new(Channels);
        foreach ((float[] first, float[] last) in samples.Zip(samples.Reverse()))
        {
            forwards.Observe(first);
            backwards.Observe(last);
        }

        Assert.HasCount(64, forwards.Rows);
        CollectionAssert.AreEqual(forwards.Rows.SelectMany(row => row).ToArray(), backwards.Rows.SelectMany(row => row).ToArray());
    }

    [TestMethod]
    public void Rows_are_drawn_from_all_samples_alike()
    {
        ChannelRows rows = new(Channels);
        for (int sample = 0; sample < 50; sample++)
        {
            float[] values = Weights.Uniform(new Random(sample), [40 * Channels]).ToSingles();
            for (int first = 0; first < values.Length; first += Channels)
            {
                values[first] = sample;
            }

            rows.Observe(values);
        }

        int[] drawn = [.. rows.Rows.Select(row => (int)row[0])];
        Assert.IsGreaterThan(12, drawn.Count(sample => sample < 25));
        Assert.IsGreaterThan(12, drawn.Count(sample => sample >= 25));
    }
}
