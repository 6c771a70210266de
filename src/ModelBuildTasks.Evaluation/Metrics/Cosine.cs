using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// Cosine similarity with the original's outputs, of the worst output. An output with channels scores the mean over its channels, each
/// counting the same: one cosine over boxes (up to hundreds) joined with probabilities would see the boxes alone. Nothing is like nothing, and another number of
/// elements, as where NonMaxSuppression finds other boxes, like nothing.
/// </summary>
internal sealed class Cosine : Metric
{
    // Axes longer than this are places (pixels, anchors), not channels with a meaning each.
    private const long MostChannels = 256;

    internal override bool TakesAnySize => true;

    internal override bool IsAgainstOriginal => true;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        double[] kept = new double[outputs.Count];
        for (int i = 0; i < kept.Length; i++)
        {
            kept[i] = OfOutput(outputs[i], reference[i]).Similarity;
        }

        return kept;
    }

    internal override (double[] Original, double[] Optimized) Keep(
        IReadOnlyList<Tensor> original, IReadOnlyList<Tensor> optimized, Tensor? label, ReadOnlySpan<ComparedOutput> compared)
    {
        (double[] same, double[] found) = (new double[compared.Length], new double[compared.Length]);
        for (int i = 0; i < compared.Length; i++)
        {
            // What is finite is like itself.
            same[i] = compared[i].IsFinite ? 1 : OfOutput(original[i], original[i]).Similarity;
            found[i] = compared[i].Cosine;
        }

        return (same, found);
    }

    internal override Func<int[], double> Scorer(double[][] kept)
    {
        double[][] outputs = [.. Enumerable.Range(0, kept[0].Length).Select(output => Column(kept, output))];
        return weights => outputs.Min(similarities => Mean(similarities, weights));
    }

    /// <returns>The similarity; and whether every element of both is finite, which is known after the same look at them.</returns>
    internal static (double Similarity, bool IsFinite) OfOutput(Tensor found, Tensor expected)
    {
        if (found.Length != expected.Length || expected.Length == 0)
        {
            return (found.Length == expected.Length ? 1 : 0, false);
        }

        (int channels, int inner) = Channels(expected);
        (double similarity, bool isFinite) = OfChannels(found.AsSingles(), expected.AsSingles(), channels, inner);
        return isFinite ? (similarity, true) : (OfInfinite(found.ToSingles(), expected.ToSingles(), channels, inner), false);
    }

    /// <summary>An infinity that both have is agreement, as of masked scores, and would hide every other element.</summary>
    private static double OfInfinite(float[] left, float[] right, int channels, int inner)
    {
        for (int i = 0; i < left.Length; i++)
        {
            if (float.IsInfinity(left[i]) && left[i] == right[i])
            {
                left[i] = right[i] = 0;
            }
        }

        return OfChannels(left, right, channels, inner).Similarity;
    }

    private static (double Similarity, bool IsFinite) OfChannels(ReadOnlySpan<float> left, ReadOnlySpan<float> right, int channels, int inner)
    {
        if (channels == 1)
        {
            (double dots, double lefts, double rights) = DoubleSums.Products(left, right);
            return (Likeness(dots, lefts, rights), double.IsFinite(lefts) && double.IsFinite(rights));
        }

        double[] dot = new double[channels], leftSquares = new double[channels], rightSquares = new double[channels];
        for (int start = 0, channel = 0; start < left.Length; start += inner, channel = channel + 1 == channels ? 0 : channel + 1)
        {
            if (inner == 1)
            {
                (double x, double y) = (left[start], right[start]);
                dot[channel] += x * y;
                leftSquares[channel] += x * x;
                rightSquares[channel] += y * y;
                continue;
            }

            (double dots, double lefts, double rights) = DoubleSums.Products(left.Slice(start, inner), right.Slice(start, inner));
            dot[channel] += dots;
            leftSquares[channel] += lefts;
            rightSquares[channel] += rights;
        }

        double sum = 0;
        bool isFinite = true;
        for (int channel = 0; channel < channels; channel++)
        {
            sum += Likeness(dot[channel], leftSquares[channel], rightSquares[channel]);
            isFinite &= double.IsFinite(leftSquares[channel]) && double.IsFinite(rightSquares[channel]);
        }

        return (sum / channels, isFinite);
    }

    /// <summary>How many channels an output has, and how many elements lie between two of one place: the axis after the batch for images, the shorter one for sequences.</summary>
    private static (int Channels, int Inner) Channels(Tensor output)
    {
        long[] shape = [.. output.Dimensions];
        return shape.Length switch
        {
            3 when shape[2] <= shape[1] && shape[2] <= MostChannels => ((int)shape[2], 1),
            3 when shape[1] < shape[2] && shape[1] <= MostChannels => ((int)shape[1], (int)shape[2]),
            4 or 5 when shape[1] <= MostChannels && output.Length > shape[1] => ((int)shape[1], (int)(output.Length / (shape[0] * shape[1]))),
            _ => (1, 1),
        };
    }

    /// <summary>Two vectors of zeros are the same; one of zeros is like no other. What is not a number is like nothing.</summary>
    private static double Likeness(double dot, double left, double right) =>
        left == 0 && right == 0 ? 1
        : double.IsFinite(dot) && left > 0 && right > 0 && double.IsFinite(left) ? dot / Math.Sqrt(left * right)
        : 0;
}

/// <summary>An output of both models for one sample.</summary>
/// <param name="Cosine">Its likeness, see <see cref="Metrics.Cosine"/>.</param>
/// <param name="IsFinite">Whether every element of the original's is finite.</param>
/// <param name="IsUndefined">Whether the original's tells nothing, see <see cref="Finiteness.IsUndefined"/>.</param>
/// <param name="IsLost">Whether the optimized model's is not finite where the original's is.</param>
internal readonly record struct ComparedOutput(double Cosine, bool IsFinite, bool IsUndefined, bool IsLost);
