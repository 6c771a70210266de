using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>What a search starts from.</summary>
internal sealed class SearchScene(CandidateMaker maker, RecipeList list, PassContext context, AppliedSteps loaded, PreparedForm start)
{
    private PruningAxis? channels;

    private readonly Lazy<(Prepared Lifted, AppliedSteps Steps)> lifted = new(() =>
    {
        AppliedSteps steps = start.Steps.Branch();
        return (maker.Lift(start.Form, steps), steps);
    });

    /// <summary>The steps of the source itself.</summary>
    internal AppliedSteps Loaded => loaded;

    /// <summary>The simplified model, with what the project prunes by name.</summary>
    internal PreparedForm Start => start;

    /// <summary>Prepares what the lock file has; null where it has nothing.</summary>
    internal Func<(Recipe Recipe, PinnedRecipe Pinned, PreparedForm Prepared)?> Pinned { get; init; } = () => null;

    /// <summary>The model as the project names it, a student or pruned, after training, and what may be made of it; null where the project names nothing to train.</summary>
    internal Func<(IReadOnlyList<Recipe> Recipes, PreparedForm Prepared)?> TrainedStart { get; init; } = () => null;

    /// <summary>Why no channels can be removed, or what stands against some.</summary>
    internal PassOutcome? ChannelsOutcome { get; private set; }

    /// <returns>Null where none can be removed.</returns>
    internal PruningAxis? Channels() => channels ??= FindChannels();

    private PruningAxis? FindChannels()
    {
        PrunedForms? forms = PrunedForms.Of(lifted.Value.Lifted.Model.Clone(), list.Prunable, context, out PassOutcome outcome);
        ChannelsOutcome = outcome;
        return forms is null ? null : PruningAxis.OfChannels(forms);
    }

    internal PruningAxis Weights() => PruningAxis.OfWeights(lifted.Value.Lifted.Model, list.Prunable!, context);

    /// <summary>The model with a share removed, and trained.</summary>
    internal PreparedForm Train(PruningAxis axis, double share, KeptTraining distillation)
    {
        PreparedForm pruned = Remove(axis, share);
        return new PreparedForm(Make, pruned.StepCount + 1, share, axis.Technique) { Simplified = start.Simplified, FineTune = FineTune.Distill };

        (Prepared, AppliedSteps) Make()
        {
            AppliedSteps steps = pruned.Steps.Branch();
            Model model = pruned.Form.Model.Clone();
            return (pruned.Form with { Model = model, IsTrained = steps.Apply(distillation, model) }, steps);
        }
    }

    /// <summary>The model with a share removed.</summary>
    internal PreparedForm Remove(PruningAxis axis, double share)
    {
        AppliedSteps before = lifted.Value.Steps;
        return new PreparedForm(Make, before.Steps.Count + 1, share, axis.Technique) { Simplified = start.Simplified };

        (Prepared, AppliedSteps) Make()
        {
            (Model pruned, PassOutcome outcome) = axis.At(share);
            AppliedSteps steps = before.Branch();
            steps.Steps.Add(axis.StepOf(outcome));
            return (lifted.Value.Lifted with { Model = pruned, IsPruned = outcome.Changed }, steps);
        }
    }
}
