using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>What the channels of one value are like.</summary>
/// <param name="Lowest">The smallest number of each channel.</param>
/// <param name="Highest">The largest number of each channel.</param>
/// <param name="Powers">The mean square of each channel.</param>
internal sealed record ChannelRanges(float[] Lowest, float[] Highest, double[] Powers)
{
    /// <summary>Extremes of channels are known well enough from this many samples.</summary>
    private const int MostSamples = 16;

    /// <summary>A bell curve's largest number is taken to be this many deviations from zero.</summary>
    private const double DeviationsOfExtreme = 3;

    /// <summary>The largest magnitude of each channel.</summary>
    internal double MagnitudeOf(int channel) => Math.Max(-Lowest[channel], Highest[channel]);

    /// <summary>As the first samples show.</summary>
    /// <exception cref="CalibrationException">The samples cannot be run, or give numbers that are not finite.</exception>
    internal static Dictionary<Value, ChannelRanges> Observed(Model model, ChannelGroups groups, IReadOnlyList<Value> values, Dataset samples, PassContext context) =>
        Calibrator.Run(model, values, samples.Take(MostSamples), value => new ChannelStatistics(groups.Of(value)!.Length), context.Progress, context.CancellationToken)
            .ToDictionary(entry => entry.Key, entry => ((ChannelStatistics)entry.Value).Ranges);

    /// <summary>As the weights suggest when the inputs of every layer have a deviation of one: the norm of the weights and the bias.</summary>
    internal static Dictionary<Value, ChannelRanges> Estimated(ChannelGroups groups, IReadOnlyList<Value> values)
    {
        Dictionary<int, double> magnitudes = [];
        foreach ((Node node, LinearLayer layer) in groups.Layers)
        {
            int[] numbers = groups.Of(node.Output)!;
            double[] bias = layer.BiasOfChannels()!;
            double[] squares = new double[numbers.Length];
            layer.VisitWeights((output, _, weight) => squares[output] += weight * weight);
            for (int c = 0; c < numbers.Length; c++)
            {
                magnitudes[numbers[c]] = Math.Max(magnitudes.GetValueOrDefault(numbers[c]), DeviationsOfExtreme * Math.Sqrt(squares[c]) + Math.Abs(bias[c]));
            }
        }

        return values.ToDictionary(value => value, value =>
        {
            double[] extremes = [.. groups.Of(value)!.Select(number => magnitudes.GetValueOrDefault(number))];
            return new ChannelRanges(
                Array.ConvertAll(extremes, extreme => (float)-extreme),
                Array.ConvertAll(extremes, extreme => (float)extreme),
                Array.ConvertAll(extremes, extreme => extreme * extreme / (DeviationsOfExtreme * DeviationsOfExtreme)));
        });
    }
}
