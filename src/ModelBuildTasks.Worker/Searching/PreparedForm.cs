using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>What recipes are applied to, and the steps that led to it. Made when it is first needed: what comes from the cache needs none of it.</summary>
/// <param name="make">Makes it.</param>
/// <param name="share">Share of channels or weights that is removed by our choice.</param>
/// <param name="technique">How.</param>
/// <param name="stepCount">How many steps lead to it.</param>
internal sealed class PreparedForm(Func<(Prepared Form, AppliedSteps Steps)> make, int stepCount, double share = 0, Pruning technique = Pruning.None)
{
    private readonly Lazy<(Prepared Form, AppliedSteps Steps)> made = new(make);

    /// <summary>What was made by steps that are known already.</summary>
    internal PreparedForm(Prepared form, AppliedSteps steps, double share = 0, Pruning technique = Pruning.None)
        : this(() => (form, steps), steps.Steps.Count, share, technique)
    {
    }

    internal Prepared Form => made.Value.Form;

    internal AppliedSteps Steps => made.Value.Steps;

    internal int StepCount => stepCount;

    internal double Share => share;

    internal Pruning Technique => technique;

    /// <summary>The training that it went through by our choice.</summary>
    internal FineTune FineTune { get; init; }

    /// <summary>What it was before anything was removed.</summary>
    internal Prepared? Simplified { get; init; }
}
