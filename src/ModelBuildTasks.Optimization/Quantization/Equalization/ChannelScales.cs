using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>Finds for one group of tensors the factors of its channels that add the least rounding noise.</summary>
internal sealed class ChannelScales
{
    /// <summary>
    /// A channel that stays this much below a Clip's bound on the samples may be scaled up so far that twice what was seen reaches the bound. Closer, other inputs would
    /// be clipped.
    /// </summary>
    private const double ClipMargin = 2;

    /// <summary>Channels that were hardly seen to differ from zero may do so for other inputs.</summary>
    private const double LargestScale = 4;

    /// <summary>Predictions are not exact: a smaller gain than this is not worth a change of the weights.</summary>
    private const double LeastGain = 0.05;

    private static readonly double[] Strengths = [0.25, 0.5, 0.75, 1];

    private readonly Dictionary<int, double> shares = [];
    private readonly Dictionary<int, double> limits = [];
    private readonly ScalingNoise noise;

    /// <param name="ranges">What the channels of each of <paramref name="values"/> are like.</param>
    /// <param name="knowsClips">Whether the ranges tell which channels a Clip cuts off.</param>
    internal ChannelScales(ChannelGroups groups, IReadOnlyList<Value> values, IReadOnlyDictionary<Value, ChannelRanges> ranges, ScalingNoise noise, bool knowsClips)
    {
        this.noise = noise;
        foreach (Value value in values)
        {
            int[] numbers = groups.Of(value)!;
            ChannelRanges seen = ranges[value];
            double largest = Enumerable.Range(0, numbers.Length).Max(seen.MagnitudeOf);
            double bound = value.Producer is { } producer && QuantizableOperators.ClampBound(producer) is { } clamp ? clamp : double.PositiveInfinity;
            for (int c = 0; c < numbers.Length && largest > 0; c++)
            {
                if (groups.IsHeld(numbers[c]))
                {
                    continue;
                }

                shares[numbers[c]] = Math.Max(shares.GetValueOrDefault(numbers[c]), seen.MagnitudeOf(c) / largest);
                double limit = double.IsInfinity(bound) ? LargestScale : knowsClips ? Math.Clamp(bound / (ClipMargin * seen.Highest[c]), 1, LargestScale) : 1;
                limits[numbers[c]] = Math.Min(limits.GetValueOrDefault(numbers[c], LargestScale), limit);
            }
        }
    }

    /// <summary>The best factors, and the noise without and with them; none when they would not gain enough.</summary>
    internal (IReadOnlyDictionary<int, double> Scales, double Before, double After) Best()
    {
        Dictionary<int, double> best = [];
        double before = noise.Of(best);
        double after = before;
        foreach (double strength in Strengths)
        {
            Dictionary<int, double> tried = shares.Where(share => share.Value > 0).ToDictionary(share => share.Key, share => Math.Min(limits[share.Key], Math.Pow(share.Value, -strength)));
            double predicted = noise.Of(tried);
            if (predicted < Math.Min(after, before * (1 - LeastGain)))
            {
                (best, after) = (tried, predicted);
            }
        }

        return (best, before, after);
    }
}
