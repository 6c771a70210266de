using ModelBuildTasks.Optimization;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>Passes to apply one after the other, after simplification and pruning.</summary>
/// <param name="Name">What people call it, pruning included, such as "static int8".</param>
/// <param name="Passes">The passes, in order.</param>
internal sealed record Recipe(string Name, IReadOnlyList<IModelPass> Passes)
{
    /// <summary>What makes the passes lose less, and is worth nothing without them: it is taken back when none of them applies.</summary>
    internal IReadOnlyList<IModelPass> Preparation { get; init; } = [];

    /// <summary>Whether the passes are there to make the model smaller, so that an artifact that is larger is not what the project asked for.</summary>
    internal bool IsForSize { get; init; }

    /// <summary>Whether a pass can trade speed for accuracy (<see cref="PassContext.JudgeAccuracy"/>): where too much is lost, the recipe is tried once more so.</summary>
    internal bool CanKeepAccuracy { get; init; }
}

/// <summary>The recipes to try for one model and target, best first.</summary>
/// <param name="Pruning">What the project asks to remove, whichever recipe is taken.</param>
/// <param name="Recipes">At least one.</param>
/// <param name="IsChosenByUser">Whether the project named the technique: it is then obeyed and judged, not replaced.</param>
internal sealed record RecipeList(IReadOnlyList<IModelPass> Pruning, IReadOnlyList<Recipe> Recipes, bool IsChosenByUser)
{
    /// <summary>
    /// The recipes without pruning, where how much is pruned was left to us: what was pruned must then prove itself together with each recipe, and these are taken where it does
    /// not. Null where pruning is the project's choice.
    /// </summary>
    internal RecipeList? Unpruned { get; init; }

    /// <summary>Whether the numeric format is to stay as it is, so that a model that passes through is no finding.</summary>
    internal bool KeepsFormat => Recipes.All(recipe => recipe.Passes.Count == 0);
}
