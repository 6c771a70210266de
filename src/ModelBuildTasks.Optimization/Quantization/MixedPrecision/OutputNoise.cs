using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>
/// What quantization adds to a model's outputs: for each part the mean, over its channels, of noise power by signal power. The signal is what varies
/// about the channel's mean: a constant says nothing, and would make any noise look small.
/// </summary>
internal sealed class OutputNoise
{
    /// <summary>A channel with less signal than this share of its part's mean is judged as if it had that much: what hardly stirred on the samples can't be told from noise.</summary>
    private const double LeastShareOfSignal = 0.1;

    private readonly IReadOnlyList<OutputPart> parts;
    private readonly Channel[][] channels;
    private int classified;
    private int agreeing;

    internal OutputNoise(IReadOnlyList<OutputPart> parts)
    {
        this.parts = parts;
        channels = [.. parts.Select(part => new Channel[part.Count])];
    }

    /// <summary>Noise by signal over all parts, 0 for none. A part that hardly differs hides none that does.</summary>
    internal double Ratio => Enumerable.Range(0, parts.Count).Sum(RatioOf);

    /// <summary><see cref="Ratio"/> in decibels of signal to noise.</summary>
    internal double Decibels => ToDecibels(Ratio);

    /// <summary>The share of samples with the same largest score, where an output has scores of classes; null elsewhere.</summary>
    internal double? SameClass => classified == 0 ? null : agreeing / (double)classified;

    internal IEnumerable<(string Name, double Decibels)> Parts => parts.Select((part, index) => (part.Name, ToDecibels(RatioOf(index))));

    internal static double ToDecibels(double ratio) => -10 * Math.Log10(ratio);

    /// <summary>Takes in the outputs of one sample.</summary>
    internal void Add(IReadOnlyList<Tensor> expected, IReadOnlyList<Tensor> actual)
    {
        for (int i = 0; i < parts.Count; i++)
        {
            OutputPart part = parts[i];
            Tensor reference = expected[part.Output];
            ReadOnlySpan<float> exact = reference.Span<float>();
            ReadOnlySpan<float> found = actual[part.Output].Span<float>();
            if (part.Axis < 0)
            {
                channels[i][0].Add(exact, found);
                if (OutputPart.IsOfClasses(reference.Dimensions))
                {
                    classified++;
                    agreeing += System.Numerics.Tensors.TensorPrimitives.IndexOfMax(exact) == System.Numerics.Tensors.TensorPrimitives.IndexOfMax(found) ? 1 : 0;
                }

                continue;
            }

            int size = (int)reference.Dimensions[part.Axis];
            int inner = (int)reference.Dimensions.Skip(part.Axis + 1).Aggregate(1L, (product, length) => product * length);
            for (int from = 0; from < exact.Length; from += size * inner)
            {
                for (int channel = 0; channel < part.Count && part.First + channel < size; channel++)
                {
                    int at = from + (part.First + channel) * inner;
                    channels[i][channel].Add(exact.Slice(at, inner), found.Slice(at, inner));
                }
            }
        }
    }

    private double RatioOf(int index)
    {
        Channel[] all = channels[index];
        double least = LeastShareOfSignal * all.Average(channel => channel.Signal);
        return all.Average(channel => channel.Noise == 0 ? 0 : channel.Noise / Math.Max(channel.Signal, least));
    }

    private struct Channel
    {
        private double count;
        private double sum;
        private double squares;

        /// <summary>Sum of squared differences.</summary>
        internal double Noise { get; private set; }

        /// <summary>Sum of squares about the mean.</summary>
        internal readonly double Signal => count == 0 ? 0 : Math.Max(0, squares - sum * sum / count);

        internal void Add(ReadOnlySpan<float> exact, ReadOnlySpan<float> found)
        {
            double noise = 0, total = 0, power = 0;
            for (int i = 0; i < exact.Length; i++)
            {
                double x = exact[i];
                double difference = x - found[i];
                total += x;
                power += x * x;
                noise += difference * difference;
            }

            count += exact.Length;
            sum += total;
            squares += power;
            Noise += noise;
        }
    }
}
