using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>
/// What quantization adds to a model's outputs: for each part the mean, over its channels, of noise power by signal power. The signal is what varies
/// about the channel's mean: a constant says nothing, and would make any noise look small. For scores of classes it is the square of the share of
/// answers that change. What is not finite in the float model says nothing and is left out; where only the quantized one gives no finite number, the error is
/// as large as the signal.
/// </summary>
internal sealed class OutputNoise
{
    /// <summary>A channel with less signal than this share of its part's mean is judged as if it had that much: what hardly stirred on the samples can't be told from noise.</summary>
    private const double LeastShareOfSignal = 0.1;

    /// <summary>The classes that could be the best; the scores of the others may drift without a consequence.</summary>
    private const int Contenders = 10;

    private readonly IReadOnlyList<OutputPart> parts;
    private readonly Channel[][] channels;

    internal OutputNoise(IReadOnlyList<OutputPart> parts)
    {
        this.parts = parts;
        channels = [.. parts.Select(part => new Channel[part.Count])];
    }

    /// <summary>Noise by signal over all parts, 0 for none. A part that hardly differs hides none that does.</summary>
    internal double Ratio => Enumerable.Range(0, parts.Count).Sum(RatioOf);

    /// <summary><see cref="Ratio"/> in decibels: what choices are compared by.</summary>
    internal double Decibels => ToDecibels(Ratio);

    /// <summary>The plain ratio of signal to noise over all parts, in decibels, scores of classes included: what people are told.</summary>
    internal double SignalToNoise => ToDecibels(Enumerable.Range(0, parts.Count).Sum(PowerRatioOf));

    /// <summary>The same of each part.</summary>
    internal IEnumerable<(string Name, double Decibels)> Parts => parts.Select((part, index) => (part.Name, ToDecibels(PowerRatioOf(index))));

    internal static double ToDecibels(double ratio) => -10 * Math.Log10(ratio);

    /// <summary>Takes in the outputs of one sample.</summary>
    internal void Add(IReadOnlyList<Tensor> expected, IReadOnlyList<Tensor> actual)
    {
        for (int i = 0; i < parts.Count; i++)
        {
            OutputPart part = parts[i];
            Tensor reference = expected[part.Output];
            ReadOnlySpan<float> exact = reference.Span<float>();
            ReadOnlySpan<float> found = Comparable(actual[part.Output], reference);
            if (part.Axis < 0 && OutputPart.IsOfClasses(reference.Dimensions))
            {
                AddClasses(exact, found, (int)reference.Dimensions[1], ref channels[i][0]);
            }

            if (part.Axis < 0)
            {
                channels[i][0].Add(exact, found);
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

    /// <summary>Where a form selects more or fewer elements, as NonMaxSuppression does, none is the counterpart of another: all of the sample is lost.</summary>
    private static ReadOnlySpan<float> Comparable(Tensor actual, Tensor reference) =>
        actual.Dimensions.SequenceEqual(reference.Dimensions) ? actual.Span<float>() : Enumerable.Repeat(float.NaN, reference.Span<float>().Length).ToArray();

    /// <summary>
    /// How likely it is that errors as large as those seen make another class the best: for each contender, that normal noise on the difference of the two
    /// scores exceeds the lead. A count of changed answers would need far more samples.
    /// </summary>
    private static void AddClasses(ReadOnlySpan<float> exact, ReadOnlySpan<float> found, int classes, ref Channel channel)
    {
        for (int from = 0; from < exact.Length; from += classes)
        {
            float[] scores = exact.Slice(from, classes).ToArray();
            float[] others = found.Slice(from, classes).ToArray();
            int[] best = [.. Enumerable.Range(0, classes).Where(index => float.IsFinite(scores[index])).OrderByDescending(index => scores[index]).Take(Contenders)];
            if (best.Length == 0)
            {
                continue;
            }

            if (!best.All(index => float.IsFinite(others[index])))
            {
                channel.AddAnswer(1);
                continue;
            }

            double mean = best.Average(index => (double)others[index] - scores[index]);
            double deviation = Math.Sqrt(2 * best.Average(index => Math.Pow((double)others[index] - scores[index] - mean, 2)));
            double changed = deviation == 0 ? 0 : best.Skip(1).Sum(contender => Exceeds(((double)scores[best[0]] - scores[contender]) / deviation));
            channel.AddAnswer(Math.Min(1, changed));
        }
    }

    /// <summary>The chance that normal noise exceeds <paramref name="deviations"/>, by the logistic curve that is within 0.01 of it (Camilli 1994).</summary>
    private static double Exceeds(double deviations) => 1 / (1 + Math.Exp(1.702 * deviations));

    /// <summary>Of answers that change, the square: half the noise changes half as many, and ratios are of powers.</summary>
    private double RatioOf(int index) => channels[index][0].Changed is { } changed ? changed * changed : PowerRatioOf(index);

    private double PowerRatioOf(int index)
    {
        Channel[] all = channels[index];
        double least = LeastShareOfSignal * all.Average(channel => channel.Signal);
        return all.Average(channel => channel.Lost + (channel.Noise == 0 ? 0 : channel.Noise / Math.Max(channel.Signal, least)));
    }

    private struct Channel
    {
        private double count;
        private double lost;
        private double sum;
        private double squares;
        private int answers;
        private double changes;

        /// <summary>The share of answers that change, of an output with scores of classes; null of others.</summary>
        internal readonly double? Changed => answers == 0 ? null : changes / answers;

        /// <summary>The share of numbers that are no longer finite.</summary>
        internal readonly double Lost => count == 0 ? 0 : lost / count;

        /// <summary>Sum of squared differences.</summary>
        internal double Noise { get; private set; }

        /// <summary>Sum of squares about the mean.</summary>
        internal readonly double Signal => count == 0 ? 0 : Math.Max(0, squares - sum * sum / count);

        /// <summary>Takes in the chance that one answer changes.</summary>
        internal void AddAnswer(double changed)
        {
            answers++;
            changes += changed;
        }

        internal void Add(ReadOnlySpan<float> exact, ReadOnlySpan<float> found)
        {
            double noise = 0, total = 0, power = 0;
            int finite = 0, missing = 0;
            for (int i = 0; i < exact.Length; i++)
            {
                if (!float.IsFinite(exact[i]))
                {
                    continue;
                }

                double x = exact[i];
                finite++;
                total += x;
                power += x * x;
                if (float.IsFinite(found[i]))
                {
                    double difference = x - found[i];
                    noise += difference * difference;
                }
                else
                {
                    missing++;
                }
            }

            count += finite;
            lost += missing;
            sum += total;
            squares += power;
            Noise += noise;
        }
    }
}
