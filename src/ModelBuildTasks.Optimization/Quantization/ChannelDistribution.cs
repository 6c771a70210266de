using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// What is believed of the numbers in each channel of an activation: mean, standard deviation, and the interval outside which they are not expected.
/// An array of one number stands for all channels alike.
/// </summary>
internal sealed record ChannelDistribution(double[] Mean, double[] Deviation, double[] Lowest, double[] Highest)
{
    /// <summary>How many standard deviations from the mean numbers are expected.</summary>
    internal const double Reach = 6;

    /// <summary>Points at which a function is evaluated between the ends of a channel's interval.</summary>
    private const int Points = 97;

    internal int Channels => Mean.Length;

    /// <summary>The interval that holds every channel.</summary>
    internal ValueRange Range => new((float)Lowest.Min(), (float)Highest.Max());

    internal static ChannelDistribution Normal(double[] mean, double[] deviation) =>
        new(mean, deviation, [.. mean.Zip(deviation, (m, d) => m - Reach * d)], [.. mean.Zip(deviation, (m, d) => m + Reach * d)]);

    /// <summary>What a function of one number makes of it, each channel taken as normal within its interval.</summary>
    internal ChannelDistribution Map(Func<double, double> function)
    {
        (double[] mean, double[] deviation, double[] lowest, double[] highest) = (new double[Channels], new double[Channels], new double[Channels], new double[Channels]);
        for (int c = 0; c < Channels; c++)
        {
            double weights = 0, sum = 0, squares = 0;
            (lowest[c], highest[c]) = (double.PositiveInfinity, double.NegativeInfinity);
            for (int i = 0; i < Points; i++)
            {
                double x = Lowest[c] + (Highest[c] - Lowest[c]) * i / (Points - 1);
                double z = Deviation[c] > 0 ? (x - Mean[c]) / Deviation[c] : 0;
                double weight = Math.Exp(-z * z / 2);
                double y = function(x);
                weights += weight;
                sum += weight * y;
                squares += weight * y * y;
                lowest[c] = Math.Min(lowest[c], y);
                highest[c] = Math.Max(highest[c], y);
            }

            mean[c] = weights > 0 ? sum / weights : function(Mean[c]);
            deviation[c] = weights > 0 ? Math.Sqrt(Math.Max(0, squares / weights - mean[c] * mean[c])) : 0;
        }

        return new ChannelDistribution(mean, deviation, lowest, highest);
    }

    /// <summary>The sum of independent numbers.</summary>
    internal ChannelDistribution Plus(ChannelDistribution other) => Combine(other, (a, b, i, j) =>
    {
        double mean = a.Mean[i] + b.Mean[j];
        double deviation = Math.Sqrt(a.Deviation[i] * a.Deviation[i] + b.Deviation[j] * b.Deviation[j]);
        return (mean, deviation, Math.Max(a.Lowest[i] + b.Lowest[j], mean - Reach * deviation), Math.Min(a.Highest[i] + b.Highest[j], mean + Reach * deviation));
    });

    /// <summary>The product of independent numbers.</summary>
    internal ChannelDistribution Times(ChannelDistribution other) => Combine(other, (a, b, i, j) =>
    {
        double mean = a.Mean[i] * b.Mean[j];
        double square = (a.Mean[i] * a.Mean[i] + a.Deviation[i] * a.Deviation[i]) * (b.Mean[j] * b.Mean[j] + b.Deviation[j] * b.Deviation[j]);
        double[] corners = [a.Lowest[i] * b.Lowest[j], a.Lowest[i] * b.Highest[j], a.Highest[i] * b.Lowest[j], a.Highest[i] * b.Highest[j]];
        return (mean, Math.Sqrt(Math.Max(0, square - mean * mean)), corners.Min(), corners.Max());
    });

    /// <summary>One channel behind the other, as Concat puts them.</summary>
    internal static ChannelDistribution Join(IReadOnlyList<ChannelDistribution> parts) => new(
        [.. parts.SelectMany(part => part.Mean)], [.. parts.SelectMany(part => part.Deviation)], [.. parts.SelectMany(part => part.Lowest)], [.. parts.SelectMany(part => part.Highest)]);

    /// <summary>All channels as one, for what moves numbers between channels.</summary>
    internal ChannelDistribution Pooled()
    {
        double mean = Mean.Average();
        double square = Mean.Zip(Deviation, (m, d) => m * m + d * d).Average();
        return new ChannelDistribution([mean], [Math.Sqrt(Math.Max(0, square - mean * mean))], [Lowest.Min()], [Highest.Max()]);
    }

    /// <summary>The mean of every channel; null when there is neither one for each nor one for all.</summary>
    internal double[]? MeansOf(int channels) => Channels == channels ? Mean : Channels == 1 ? [.. Enumerable.Repeat(Mean[0], channels)] : null;

    private ChannelDistribution Combine(
        ChannelDistribution other, Func<ChannelDistribution, ChannelDistribution, int, int, (double Mean, double Deviation, double Lowest, double Highest)> combine)
    {
        ChannelDistribution first = this;
        if (first.Channels != other.Channels && first.Channels != 1 && other.Channels != 1)
        {
            (first, other) = (first.Pooled(), other.Pooled());
        }

        int channels = Math.Max(first.Channels, other.Channels);
        (double Mean, double Deviation, double Lowest, double Highest)[] combined =
            [.. Enumerable.Range(0, channels).Select(c => combine(first, other, first.Channels == 1 ? 0 : c, other.Channels == 1 ? 0 : c))];
        return new ChannelDistribution(
            Array.ConvertAll(combined, c => c.Mean), Array.ConvertAll(combined, c => c.Deviation), Array.ConvertAll(combined, c => c.Lowest), Array.ConvertAll(combined, c => c.Highest));
    }
}
