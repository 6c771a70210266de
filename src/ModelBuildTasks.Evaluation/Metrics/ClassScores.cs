using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>Reads a classifier's answer: scores in its first output, or the class index itself when that output is one integer.</summary>
internal static class ClassScores
{
    /// <summary>Predictions that are no class, because a score is not a number.</summary>
    internal const int None = -1;

    /// <summary>From where on a single score, the probability of class 1, says that it is that.</summary>
    internal const float Threshold = 0.5f;

    /// <summary>The class with the highest score, the first of equals; <see cref="None"/> when a score is NaN.</summary>
    internal static int Predicted(IReadOnlyList<Tensor> outputs)
    {
        if (IsIndex(outputs[0]))
        {
            return ClassOf(Numbers(outputs[0])[0]);
        }

        // The first NaN counts as the largest, and zeros of either sign are equal.
        ReadOnlySpan<float> scores = outputs[0].AsSingles();
        int best = scores.IndexOf(TensorPrimitives.Max(scores));
        return float.IsNaN(scores[best]) ? None : scores.Length == 1 ? (scores[0] >= Threshold ? 1 : 0) : best;
    }

    /// <summary>Numbers that may be class indices. Integers do not go through single precision, which holds them up to 2^24 only.</summary>
    internal static double[] Numbers(Tensor tensor) => tensor.ElementType switch
    {
        ElementType.Int64 => Array.ConvertAll(tensor.Span<long>().ToArray(), value => (double)value),
        ElementType.Int32 => Array.ConvertAll(tensor.Span<int>().ToArray(), value => (double)value),
        ElementType.UInt32 => Array.ConvertAll(tensor.Span<uint>().ToArray(), value => (double)value),
        _ => Array.ConvertAll(tensor.ToSingles(), value => (double)value),
    };

    /// <summary>The class that a number is the index of; <see cref="None"/> when it is none.</summary>
    internal static int ClassOf(double index) => index is >= 0 and < int.MaxValue ? (int)index : None;

    /// <summary>The scores, one a class.</summary>
    /// <exception cref="MetricException">The model answers with a class index and gives no scores.</exception>
    internal static ReadOnlySpan<float> Of(IReadOnlyList<Tensor> outputs) =>
        IsIndex(outputs[0]) ? throw new MetricException("The model's first output is a class index; this metric needs a score for each class.") : outputs[0].AsSingles();

    /// <summary>Whether the model tells two classes apart, by two scores or by one.</summary>
    internal static bool AreTwo(IReadOnlyList<Tensor> outputs) => !IsIndex(outputs[0]) && outputs[0].Length <= 2;

    /// <summary>Whether the first output is a vector of scores, or an index.</summary>
    internal static bool IsVector(Tensor output)
    {
        int axes = 0;
        for (int i = 0; i < output.Dimensions.Count; i++)
        {
            axes += output.Dimensions[i] == 1 ? 0 : 1;
        }

        return axes <= 1;
    }

    /// <summary>The label as a class index.</summary>
    /// <exception cref="MetricException">It is missing, no whole number, or outside the model's classes.</exception>
    internal static int Label(Tensor? label, IReadOnlyList<Tensor> outputs)
    {
        if (label is null)
        {
            throw new MetricException("The metric needs labels, which the data set does not have.");
        }

        double value = label.Length == 1 ? Numbers(label)[0] : double.NaN;
        long classes = IsIndex(outputs[0]) ? int.MaxValue : Math.Max(2, outputs[0].Length);
        return value >= 0 && value < classes && value == Math.Floor(value)
            ? (int)value
            : throw new MetricException($"The label {(label.Length == 1 ? value.ToString("g") : label.ToString())} is not one of the model's classes, 0 to {classes - 1}. If the model gives numbers, set Metric to MeanSquaredError or MeanAbsoluteError.");
    }

    private static bool IsIndex(Tensor output) => output.Length == 1 && output.ElementType is (ElementType.Int64 or ElementType.Int32);
}
