using ModelBuildTasks.Contracts;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Equalization;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>From a project's settings to the recipes that carry them out.</summary>
internal static class RecipeBook
{
    /// <summary>The recipes for these settings, best first; the simplified and pruned model itself is the last resort of <c>Auto</c>.</summary>
    internal static RecipeList For(ModelSettings settings, TargetProfile target, bool hasCalibration)
    {
        IModelPass[] pruning = [.. PruningOf(settings)];
        if (Chosen(settings, hasCalibration) is { } chosen)
        {
            return new RecipeList(pruning, [Named(pruning, chosen)], IsChosenByUser: true);
        }

        List<Recipe> recipes = [.. Automatic(settings, target, hasCalibration), new Recipe("simplification alone", [])];
        return new RecipeList(pruning, [.. recipes.Select(recipe => Named(pruning, recipe))], IsChosenByUser: false);
    }

    /// <summary>What the settings name; null when they leave the numeric format to us.</summary>
    private static Recipe? Chosen(ModelSettings settings, bool hasCalibration) => settings switch
    {
        { Precision: Precision.Float32 } or { Quantization: Quantization.None, Precision: Precision.Auto } => new Recipe("float32", []),
        { Precision: Precision.Float16 } => Float16,
        { Quantization: Quantization.Static } => StaticInt8(settings),
        { Quantization: Quantization.Dynamic } => DynamicInt8,
        { Precision: Precision.Int8 } => hasCalibration ? StaticInt8(settings) : DynamicInt8,
        _ => null,
    };

    private static IEnumerable<Recipe> Automatic(ModelSettings settings, TargetProfile target, bool hasCalibration)
    {
        if (target.Activations is not null)
        {
            if (hasCalibration)
            {
                yield return StaticInt8(settings);
            }

            if (!target.ComputesFloat16)
            {
                yield return DynamicInt8;
            }
        }

        if (target.ComputesFloat16)
        {
            yield return Float16;
        }
    }

    private static Recipe StaticInt8(ModelSettings settings) => new("static int8", [new CrossLayerEqualization(), new StaticQuantization(RangesOf(settings.Calibration))]);

    private static RangeMethod RangesOf(Calibration calibration) => calibration switch
    {
        Calibration.MinMax => RangeMethod.MinMax,
        Calibration.Entropy => RangeMethod.Entropy,
        Calibration.Percentile => RangeMethod.Percentile,
        Calibration.Mse => RangeMethod.MeanSquaredError,
        _ => RangeMethod.Auto,
    };

    private static Recipe DynamicInt8 => new("dynamic int8", [new DynamicQuantization()]);

    private static Recipe Float16 => new("float16", [new Float16Conversion()]);

    private static IEnumerable<IModelPass> PruningOf(ModelSettings settings) => settings.Pruning switch
    {
        Contracts.Pruning.Magnitude => [new MagnitudePruning(settings.Sparsity, Enum.Parse<Optimization.Pruning.PruningScope>(settings.PruningScope.ToString()))],
        Contracts.Pruning.Threshold => [new ThresholdPruning(settings.PruningThreshold!.Value)],
        _ => [],
    };

    private static Recipe Named(IReadOnlyList<IModelPass> pruning, Recipe recipe) =>
        recipe with { Name = string.Join(" + ", [.. pruning.Select(pass => pass.Name), recipe.Name]) };
}
