using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>Whether outputs are numbers that can be compared. A model that is wrong in the same way before and after loses nothing by any metric, so this is asked apart.</summary>
public static class Finiteness
{
    /// <summary>Whether the optimized model's output is infinite or NaN somewhere where the original's, of the same type and shape, is finite.</summary>
    public static bool IsLost(Tensor found, Tensor expected)
    {
        float[] after = Fractions(found);
        return !Array.TrueForAll(after, float.IsFinite) &&
            Fractions(expected).Zip(after).Any(pair => float.IsFinite(pair.First) && !float.IsFinite(pair.Second));
    }

    internal static bool IsFinite(Tensor output) => Array.TrueForAll(Fractions(output), float.IsFinite);

    /// <summary>Whether nothing can be told by the output: a value is NaN, or none is finite. Single infinities may be meant, as of masked scores.</summary>
    internal static bool IsUndefined(Tensor output)
    {
        float[] values = Fractions(output);
        return values.Length > 0 && (Array.Exists(values, float.IsNaN) || !Array.Exists(values, float.IsFinite));
    }

    /// <summary>The elements as metrics read them; none of types that have only finite values.</summary>
    private static float[] Fractions(Tensor output) =>
        output.ElementType.IsFloatingPoint() ? output.ToSingles() : [];
}

/// <summary>An output with infinite or NaN values.</summary>
/// <param name="Output">Its name.</param>
/// <param name="Original">Samples for which the original gives such values.</param>
/// <param name="Lost">Samples for which the optimized model gives such values where the original's are finite.</param>
public sealed record NonFiniteOutput(string Output, int Original, int Lost);

/// <summary>The original's output is NaN, or nowhere finite, for every sample: there is nothing to hold an optimized model to.</summary>
public sealed class UndefinedOutputException(string output, int samples)
    : Exception($"Output '{output}' of the original model is infinite or undefined (NaN) for all of {samples} samples.")
{
    /// <summary>The name of the output.</summary>
    public string Output => output;

    /// <summary>Number of samples.</summary>
    public int Samples => samples;
}
