using System.Numerics.Tensors;
using Tensor = ModelBuildTasks.Onnx.Tensor;

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

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        double[] kept = new double[outputs.Count];
        for (int i = 0; i < kept.Length; i++)
        {
            kept[i] = OfOutput(outputs[i], reference[i]);
        }

        return kept;
    }

    internal override Func<int[], double> Scorer(double[][] kept) => weights =>
        Enumerable.Range(0, kept[0].Length).Min(output => Mean(kept, output, weights));

    internal static double OfOutput(Tensor found, Tensor expected)
    {
        if (found.Length != expected.Length || expected.Length == 0)
        {
            return found.Length == expected.Length ? 1 : 0;
        }

        float[] left = found.ToSingles();
        float[] right = expected.ToSingles();
        for (int i = 0; i < left.Length; i++)
        {
            // An infinity that both have is agreement, as of masked scores, and would hide every other element.
            if (float.IsInfinity(left[i]) && left[i] == right[i])
            {
                left[i] = right[i] = 0;
            }
        }

        (int channels, int inner) = Channels(expected);
        if (channels == 1)
        {
            return Similarity(TensorPrimitives.Dot<float>(left, right), TensorPrimitives.SumOfSquares<float>(left), TensorPrimitives.SumOfSquares<float>(right));
        }

        double[] dot = new double[channels], leftSquares = new double[channels], rightSquares = new double[channels];
        for (int i = 0; i < left.Length; i++)
        {
            int channel = i / inner % channels;
            dot[channel] += (double)left[i] * right[i];
            leftSquares[channel] += (double)left[i] * left[i];
            rightSquares[channel] += (double)right[i] * right[i];
        }

        return Enumerable.Range(0, channels).Average(channel => Similarity(dot[channel], leftSquares[channel], rightSquares[channel]));
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
    private static double Similarity(double dot, double left, double right) =>
        left == 0 && right == 0 ? 1
        : double.IsFinite(dot) && left > 0 && right > 0 && double.IsFinite(left) ? dot / Math.Sqrt(left * right)
        : 0;
}
