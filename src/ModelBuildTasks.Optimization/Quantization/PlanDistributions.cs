using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// What the numbers of a plan are like, for people. Activations were counted in calibration, by the methods that find ranges in histograms; weights are counted here, which reads them once.
/// </summary>
internal static class PlanDistributions
{
    /// <summary>So many tensors and so many layers of a graph have one, those that lose most: results are read in every build.</summary>
    private const int MostShown = 64;

    /// <summary>As many bars as a phone shows.</summary>
    private const int MostBins = 48;

    /// <summary>The items that have one.</summary>
    internal static HashSet<T> Shown<T>(IEnumerable<T> items, Func<T, double?> decibels) => [.. items.OrderBy(item => decibels(item) ?? double.PositiveInfinity).Take(MostShown)];

    /// <summary>Of activations; null where the method keeps no histogram, or nothing but zeros was seen.</summary>
    internal static NumberHistogram? Of(IRangeObserver? observer) => observer?.Numbers?.Coarse(MostBins);

    /// <summary>Of weights.</summary>
    internal static WeightDistribution? Of(Layer layer)
    {
        ReadOnlySpan<float> weights = layer.Weight.Span<float>();
        Histogram histogram = new();
        histogram.Add(weights, ValueRange.Of(weights));
        if (histogram.Coarse(MostBins) is not { } numbers)
        {
            return null;
        }

        float[] reaches = QuantizedWeight.Reaches(layer.Weight, layer.ChannelAxis);
        return new WeightDistribution(numbers, reaches.Min(), reaches.Max());
    }
}
