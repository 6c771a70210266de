using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>Forms of one model with more and more removed from it.</summary>
/// <param name="Name">What is done, such as "structured pruning".</param>
/// <param name="Technique">The setting that names it.</param>
/// <param name="Left">The share that is left, by prediction, of what the search makes small, for a share that is removed.</param>
/// <param name="At">The model with a share removed, and what was done to it.</param>
internal sealed record PruningAxis(string Name, Pruning Technique, Func<double, double> Left, Func<double, (Model Pruned, PassOutcome Outcome)> At)
{
    /// <summary>Channels, so that layers become smaller.</summary>
    internal static PruningAxis OfChannels(PrunedForms forms) => new("structured pruning", Pruning.Structured, forms.TimeLeft, forms.At);

    /// <summary>Single weights, which make a compressed file smaller and nothing else.</summary>
    internal static PruningAxis OfWeights(Model model, ExcludedLayers excluded, PassContext context) => new("second-order pruning", Pruning.SecondOrder, share => 1 - share, share =>
    {
        Model pruned = model.Clone();
        return (pruned, new SecondOrderPruning(share, Optimization.Pruning.PruningScope.Global, excluded).Apply(pruned, context));
    });

    /// <summary>What a trial with a share removed is called.</summary>
    internal string Describe(double share) => FormattableString.Invariant($"{Name} {100 * share:0.#} %");

    internal Step StepOf(PassOutcome outcome) => new(Name, outcome.Changed, outcome.Explanation) { Reasons = outcome.Refusals };
}
