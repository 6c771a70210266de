using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Pruning;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>Passes to apply one after the other, after simplification and pruning.</summary>
/// <param name="Name">What people call it, such as "static int8".</param>
/// <param name="Passes">The passes, in order.</param>
internal sealed record Recipe(string Name, IReadOnlyList<IModelPass> Passes)
{
    /// <summary>What makes the passes lose less, and is worth nothing without them: it is taken back when none of them applies.</summary>
    internal IReadOnlyList<IModelPass> Preparation { get; init; } = [];

    /// <summary>Whether the passes are there to make the model smaller, so that an artifact that is larger is not what the project asked for.</summary>
    internal bool IsForSize { get; init; }

    /// <summary>Whether a pass can trade speed for accuracy (<see cref="PassContext.JudgeAccuracy"/>): where too much is lost, the recipe is tried once more so.</summary>
    internal bool CanKeepAccuracy { get; init; }

    /// <summary>The settings that name the recipe, for those that leave it open.</summary>
    internal RecipeSettings Settings { get; init; } = new();

    /// <summary>Whether nothing but lossless steps are done.</summary>
    internal bool IsLossless => Passes.Count == 0;
}

/// <summary>The settings that choose a recipe.</summary>
internal sealed record RecipeSettings(Precision Precision = Precision.Auto, Quantization Quantization = Quantization.Auto, Calibration Calibration = Calibration.Auto, FineTune FineTune = FineTune.None)
{
    /// <summary>Whether which way weights are rounded is learned.</summary>
    internal bool LearnsRounding { get; init; }

    internal PinnedRecipe Pin(double share = 0, Pruning technique = Pruning.None) => new()
    {
        Precision = Precision,
        Quantization = Quantization,
        Calibration = Calibration,
        LearnedRounding = LearnsRounding,
        FineTune = FineTune,
        Pruning = share > 0 ? technique : Pruning.None,
        Sparsity = share,
    };
}

/// <summary>The recipes to try for one model and target, best first.</summary>
/// <param name="Pruning">What the project asks to remove, whichever recipe is taken.</param>
/// <param name="Recipes">At least one.</param>
/// <param name="IsChosenByUser">Whether the project named the technique: it is then obeyed and judged, not replaced.</param>
internal sealed record RecipeList(IReadOnlyList<IModelPass> Pruning, IReadOnlyList<Recipe> Recipes, bool IsChosenByUser)
{
    /// <summary>Where how much is pruned is left to us, the layers that are not pruned; null where pruning is the project's choice, or there is nothing to judge it by.</summary>
    internal ExcludedLayers? Prunable { get; init; }

    /// <summary>Recipes that train, to be tried where nothing keeps the budgets without; empty where training is named, or not wanted.</summary>
    internal IReadOnlyList<Recipe> Trained { get; init; } = [];

    /// <summary>What trains a model that a search has pruned; null as <see cref="Trained"/> is empty.</summary>
    internal KeptTraining? Distillation { get; init; }

    /// <summary>Whether anything is left to a search.</summary>
    internal bool IsOpen => !IsChosenByUser || Prunable is not null;

    /// <summary>Whether the numeric format is to stay as it is, so that a model that passes through is no finding.</summary>
    internal bool KeepsFormat => Recipes.All(recipe => recipe.IsLossless);
}
