using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>A tensor that is to be integers: what its channels are, and how much their noise counts.</summary>
/// <param name="Numbers">The number of each channel in the scaling.</param>
/// <param name="Lowest">The smallest number of each channel.</param>
/// <param name="Highest">The largest number of each channel.</param>
/// <param name="Gains">How much noise in each channel counts.</param>
internal sealed record ScaledTensor(int[] Numbers, float[] Lowest, float[] Highest, double[] Gains);

/// <summary>A layer that reads a scaled tensor.</summary>
/// <param name="Numbers">The number of each input channel in the scaling.</param>
/// <param name="Powers">The mean square of each input channel.</param>
/// <param name="Gains">How much noise in each output channel counts.</param>
internal sealed record ScaledReader(int[] Numbers, LayerWeights Weights, double[] Powers, double[] Gains);

/// <summary>
/// The noise that rounding adds when channel c is scaled by s[c], in units of the model as it was. A tensor has one step Δ for all channels, of which
/// channel c sees Δ/s[c]. A reader's weights have one step for each output channel, set by its largest weight W[o, c]/s[c], and meet inputs s[c]·x[c].
/// The layer that makes a channel has a step for that channel, so that scaling it costs nothing.
/// </summary>
internal sealed class ScalingNoise(IReadOnlyList<ScaledTensor> tensors, IReadOnlyList<ScaledReader> readers, int largestWeightCode)
{
    /// <summary>The noise of what lies in one group of tensors.</summary>
    internal static ScalingNoise Between(
        ChannelGroups groups, IReadOnlyList<Value> values, IReadOnlyDictionary<Value, ChannelRanges> ranges, IReadOnlyDictionary<Node, LayerWeights> weights, NoiseGain gains, TargetProfile target)
    {
        List<ScaledTensor> tensors = [];
        List<ScaledReader> readers = [];
        foreach (Value value in values)
        {
            int[] numbers = groups.Of(value)!;
            if (IsRounded(value))
            {
                tensors.Add(new ScaledTensor(numbers, ranges[value].Lowest, ranges[value].Highest, gains.Of(value)));
            }

            readers.AddRange(value.Uses.Select(use => use.Node).Where(weights.ContainsKey)
                .Select(reader => new ScaledReader(numbers, weights[reader], ranges[value].Powers, gains.Of(reader.Output))));
        }

        return new ScalingNoise(tensors, readers, QuantizedWeight.LargestCode(target.WeightBits));
    }

    /// <param name="scale">The factor of each number; 1 for those left out.</param>
    internal double Of(IReadOnlyDictionary<int, double> scale) => tensors.Sum(tensor => OfTensor(tensor, scale)) + readers.Sum(reader => OfReader(reader, scale));

    private static double OfTensor(ScaledTensor tensor, IReadOnlyDictionary<int, double> scale)
    {
        double lowest = 0, highest = 0, gain = 0;
        for (int c = 0; c < tensor.Numbers.Length; c++)
        {
            double s = scale.GetValueOrDefault(tensor.Numbers[c], 1);
            lowest = Math.Min(lowest, s * tensor.Lowest[c]);
            highest = Math.Max(highest, s * tensor.Highest[c]);
            gain += tensor.Gains[c] / (s * s);
        }

        return gain * Variance((highest - lowest) / byte.MaxValue);
    }

    private double OfReader(ScaledReader reader, IReadOnlyDictionary<int, double> scale)
    {
        double[] factors = [.. reader.Numbers.Select(number => scale.GetValueOrDefault(number, 1))];
        double noise = 0;
        for (int o = 0; o < reader.Weights.Outputs; o++)
        {
            double largest = 0, power = 0;
            int first = reader.Weights.FirstInput(o);
            for (int i = 0; i < reader.Weights.InputsOfOutput; i++)
            {
                double s = factors[first + i];
                largest = Math.Max(largest, reader.Weights.Largest[o * reader.Weights.InputsOfOutput + i] / s);
                power += reader.Powers[first + i] * s * s;
            }

            noise += reader.Gains[o] * reader.Weights.Taps * power * Variance(largest / largestWeightCode);
        }

        return noise;
    }

    /// <summary>Whether a value gets a step of its own: what a clamp reads does not, nor what only moves.</summary>
    private static bool IsRounded(Value value) =>
        value.Producer is { OpType: "Conv" or "ConvTranspose" or "Gemm" or "MatMul" or "Add" or "Mul" or "Relu" or "Clip" or "LeakyRelu" or "AveragePool" or "GlobalAveragePool" or "Concat" }
        && !value.Uses.All(use => QuantizableOperators.ClampBound(use.Node) is not null);

    /// <summary>Of numbers rounded to steps.</summary>
    private static double Variance(double step) => step * step / 12;
}
