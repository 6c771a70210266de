namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>
/// The range [−t, t], or its part that was seen, in whose 256 codes the distribution of the numbers loses least: the relative entropy of the codes, spread
/// evenly over the bins that each stands for, against the numbers with those beyond the range drawn to its ends.
/// </summary>
/// <remarks>Migacz, "8-bit Inference with TensorRT", GTC 2017. The search begins where there are as many bins as codes; with fewer it would return the smallest and the largest number.</remarks>
internal sealed class EntropyObserver : HistogramObserver
{
    private const int Codes = 256;

    /// <summary>Thresholds are this share of the bins apart.</summary>
    private const int Places = 128;

    protected override ValueRange Search(Histogram histogram, ValueRange seen)
    {
        int bins = Math.Min(Histogram.BinsOfSide, (int)Math.Ceiling(Math.Max(-(double)seen.Lowest, seen.Highest) / histogram.Width));
        int lowest = Math.Max(-Histogram.BinsOfSide, (int)Math.Floor(seen.Lowest / histogram.Width));
        int highest = Math.Min(Histogram.BinsOfSide, (int)Math.Floor(seen.Highest / histogram.Width) + 1);
        (int best, double least) = (bins, double.PositiveInfinity);
        for (int place = Places; place > 0; place--)
        {
            int threshold = bins * place / Places;
            (int first, int end) = (Math.Max(-threshold, Math.Min(lowest, 0)), Math.Min(threshold, Math.Max(highest, 0)));
            if (end - first < Codes)
            {
                break;
            }

            double divergence = Divergence(histogram, first, end);
            if (divergence < least)
            {
                (best, least) = (threshold, divergence);
            }
        }

        float reach = (float)(best * histogram.Width);
        return new ValueRange(Math.Max(seen.Lowest, -reach), Math.Min(seen.Highest, reach));
    }

    /// <summary>
    /// Σ p·ln(p/q) over the bins from <paramref name="first"/> to before <paramref name="end"/>, without the one at zero: zero has an exact code in any range, and
    /// the zeros of a Relu, spread over the bins beside them, would cost more than any clipping.
    /// </summary>
    private static double Divergence(Histogram histogram, int first, int end)
    {
        double[] clipped = new double[end - first];
        double[] inside = new double[end - first];
        for (int bin = -Histogram.BinsOfSide; bin < Histogram.BinsOfSide; bin++)
        {
            if (bin == 0)
            {
                continue;
            }

            clipped[Math.Clamp(bin, first, end - 1) - first] += histogram[bin];
            if (bin >= first && bin < end)
            {
                inside[bin - first] = histogram[bin];
            }
        }

        double count = clipped.Sum();
        double kept = inside.Sum();
        double divergence = 0;
        for (int code = 0; code < Codes; code++)
        {
            (int from, int to) = (code * clipped.Length / Codes, (code + 1) * clipped.Length / Codes);
            double sum = 0;
            int occupied = 0;
            for (int bin = from; bin < to; bin++)
            {
                sum += inside[bin];
                occupied += inside[bin] > 0 ? 1 : 0;
            }

            for (int bin = from; bin < to; bin++)
            {
                if (clipped[bin] > 0)
                {
                    // A bin that only holds what was drawn to the end has no code that stands for it.
                    divergence += inside[bin] > 0 ? clipped[bin] / count * Math.Log(clipped[bin] / count * kept * occupied / sum) : clipped[bin] / count * Math.Log(count);
                }
            }
        }

        return divergence;
    }
}
