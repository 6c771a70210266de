using MathNet.Numerics.Distributions;

namespace ModelBuildTasks.Evaluation.Statistics;

/// <summary>
/// Score intervals of proportions: all values that a test would not reject. They stay sound where a bootstrap fails, because few samples or none at all
/// differ: a resample of samples that are all right is all right.
/// </summary>
internal static class Proportions
{
    private const int Halvings = 60;

    /// <summary>A share of samples (E. Wilson, "Probable inference, the law of succession, and statistical inference", 1927).</summary>
    internal static Estimate Share(int right, int samples, double confidence)
    {
        double z = Quantile(confidence);
        double share = (double)right / samples;
        double centre = (share + z * z / (2 * samples)) / (1 + z * z / samples);
        double width = z / (1 + z * z / samples) * Math.Sqrt(share * (1 - share) / samples + z * z / (4.0 * samples * samples));
        return new Estimate(share, Math.Clamp(centre - width, 0, share), Math.Clamp(centre + width, share, 1));
    }

    /// <summary>
    /// The difference of two shares over the same samples (T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
    /// design", 1998).
    /// </summary>
    /// <param name="lost">Samples that the first has right and the second wrong.</param>
    /// <param name="won">The other way round.</param>
    /// <param name="samples">All samples.</param>
    /// <param name="confidence">Of the interval, two-sided.</param>
    internal static Estimate PairedDifference(int lost, int won, int samples, double confidence)
    {
        double z = Quantile(confidence);
        double value = (double)(lost - won) / samples;
        return new Estimate(value, Bound(-1), Bound(1));

        // The statistic falls as the difference grows, from above 0 to below, and is 0 at the value itself.
        double Bound(double beyond)
        {
            double within = value;
            for (int i = 0; i < Halvings; i++)
            {
                double middle = (within + beyond) / 2;
                if (Math.Abs(Statistic(lost, won, samples, middle)) <= z)
                {
                    within = middle;
                }
                else
                {
                    beyond = middle;
                }
            }

            return within;
        }
    }

    /// <summary>Half the width of the interval that a normal distribution gives the difference: from what size on it can be told from none.</summary>
    internal static double Resolution(int lost, int won, int samples, double confidence)
    {
        double difference = (double)(lost - won) / samples;
        return Quantile(confidence) * Math.Sqrt(((double)(lost + won) / samples - difference * difference) / samples);
    }

    /// <summary>The difference found less the one supposed, in standard errors under what is supposed.</summary>
    private static double Statistic(int lost, int won, int samples, double difference)
    {
        // The share of samples won that is most likely given the difference: the larger root of A·q² + B·q + C.
        double a = 2.0 * samples;
        double b = -lost - won + (2.0 * samples - lost + won) * difference;
        double c = -won * difference * (1 - difference);
        double share = (Math.Sqrt(Math.Max(0, b * b - 4 * a * c)) - b) / (2 * a);
        double variance = samples * (2 * share + difference * (1 - difference));
        double distance = lost - won - samples * difference;
        return variance > 0 ? distance / Math.Sqrt(variance) : distance == 0 ? 0 : double.PositiveInfinity;
    }

    private static double Quantile(double confidence) => Normal.InvCDF(0, 1, (1 + confidence) / 2);
}
