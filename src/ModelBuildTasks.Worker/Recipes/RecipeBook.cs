using ModelBuildTasks.Contracts;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>From a project's settings to the recipes that carry them out.</summary>
internal static class RecipeBook
{
    /// <summary>Weights that share a scale.</summary>
    private const int WeightBlock = 32;

    /// <summary>The recipes for these settings, best first; the simplified and pruned model itself is the last resort of <c>Auto</c>.</summary>
    internal static RecipeList For(ModelSettings settings, TargetProfile target, bool hasCalibration)
    {
        IModelPass[] pruning = [.. PruningOf(settings)];
        if (Chosen(settings, hasCalibration) is { } chosen)
        {
            return new RecipeList(pruning, [Named(pruning, chosen)], IsChosenByUser: true);
        }

        List<Recipe> recipes = [.. Automatic(target, hasCalibration), new Recipe("simplification alone", [])];
        return new RecipeList(pruning, [.. recipes.Select(recipe => Named(pruning, recipe))], IsChosenByUser: false);
    }

    /// <summary>What the settings name; null when they leave the numeric format to us.</summary>
    private static Recipe? Chosen(ModelSettings settings, bool hasCalibration) => settings switch
    {
        { Precision: Precision.Float32 } or { Quantization: Quantization.None, Precision: Precision.Auto } => new Recipe("float32", []),
        { Precision: Precision.Float16 } => Float16,
        { Quantization: Quantization.WeightOnly } or { Precision: Precision.Int4 or Precision.Int2 or Precision.Binary } => WeightOnly(settings.Precision),
        { Quantization: Quantization.Static } => StaticInt8,
        { Quantization: Quantization.Dynamic } => DynamicInt8,
        { Precision: Precision.Int8 } => hasCalibration ? StaticInt8 : DynamicInt8,
        _ => null,
    };

    private static IEnumerable<Recipe> Automatic(TargetProfile target, bool hasCalibration)
    {
        if (target.Activations is not null)
        {
            if (hasCalibration)
            {
                yield return StaticInt8;
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

    private static Recipe StaticInt8 => new("static int8", [new StaticQuantization()]);

    private static Recipe DynamicInt8 => new("dynamic int8", [new DynamicQuantization()]);

    /// <summary>Weight-only quantization that leaves the number of bits to us takes 4: the fewest that GPTQ keeps close to float.</summary>
    private static Recipe WeightOnly(Precision precision) => precision switch
    {
        Precision.Int8 => new("weight-only int8", [new WeightOnlyQuantization(new BlockFormat(8, WeightBlock, IsSymmetric: true))]),
        Precision.Int2 => new("weight-only int2", [new WeightOnlyQuantization(new BlockFormat(2, WeightBlock, IsSymmetric: false))]),
        Precision.Binary => new("binary weights", [new WeightOnlyQuantization(BlockFormat.Binary(WeightBlock))]),
        _ => new("weight-only int4", [new WeightOnlyQuantization(new BlockFormat(4, WeightBlock, IsSymmetric: false))]),
    };

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
