using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Benchmarks;

/// <summary>The single recipes that <c>Auto</c> is held against: what a project would name that chose by itself.</summary>
internal static class FixedRecipes
{
    private static readonly double[] Sparsities = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75];

    /// <param name="isQuick">Whether to leave some out.</param>
    internal static IEnumerable<(string Name, ModelSettings Settings)> All(bool isQuick)
    {
        yield return ("float32", new ModelSettings { Precision = Precision.Float32 });
        foreach (Calibration calibration in isQuick ? [Calibration.Auto] : new[] { Calibration.Auto, Calibration.MinMax, Calibration.Percentile, Calibration.Entropy })
        {
            yield return ($"static int8, {calibration}", new ModelSettings { Quantization = Quantization.Static, Calibration = calibration });
        }

        yield return ("dynamic int8", new ModelSettings { Quantization = Quantization.Dynamic });
        yield return ("weight-only int8", new ModelSettings { Quantization = Quantization.WeightOnly, Precision = Precision.Int8 });
        if (!isQuick)
        {
            yield return ("weight-only int4", new ModelSettings { Quantization = Quantization.WeightOnly, Precision = Precision.Int4 });
        }

        foreach (double sparsity in isQuick ? Sparsities.Where((_, i) => i % 2 == 1) : Sparsities)
        {
            yield return (Pruned(sparsity, "float32"), new ModelSettings { Pruning = Pruning.Structured, Sparsity = sparsity, Precision = Precision.Float32 });
            yield return (Pruned(sparsity, "static int8"), new ModelSettings { Pruning = Pruning.Structured, Sparsity = sparsity, Quantization = Quantization.Static });
        }
    }

    private static string Pruned(double sparsity, string rest) => FormattableString.Invariant($"pruned {100 * sparsity} %, {rest}");
}
