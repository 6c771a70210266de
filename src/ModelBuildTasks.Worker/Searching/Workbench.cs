using System.Diagnostics;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>Makes trials, measures them and holds them to what the project allows.</summary>
/// <param name="request">What was asked for.</param>
/// <param name="maker">Makes candidates.</param>
/// <param name="comparison">Compares them with the original.</param>
/// <param name="shipped">Where they are written.</param>
/// <param name="samples">Samples that accuracy is judged by; null where there are none.</param>
/// <param name="sizes">Tells what ships of a candidate takes.</param>
internal sealed class Workbench(OptimizationRequest request, CandidateMaker maker, Comparison comparison, ShippedForm shipped, Dataset? samples, ShippedSizes sizes)
{
    /// <summary>How often a recipe is tried, each time with half of its regions of integers returned to float: each attempt is a whole quantization and a measurement.</summary>
    private const int MostAttempts = 3;

    /// <summary>Enough to tell trials apart that are worth choosing between. The chosen one and its neighbours are measured with more care.</summary>
    private static readonly LatencySettings Timing = new() { TimeLimit = TimeSpan.FromSeconds(1.5), Precision = 0.02 };

    /// <summary>Tries a recipe, and what can be made of it where it loses too much or is slower than the original.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="prepared">What it is applied to.</param>
    /// <param name="trial">The name, reason, rank and share of the trial.</param>
    /// <param name="proof">What its accuracy is held to.</param>
    /// <param name="lessons">What the same recipe taught with less removed; null for the first.</param>
    internal Trial Try(Recipe recipe, PreparedForm prepared, Trial trial, Proof proof, Lessons? lessons = null)
    {
        Stopwatch watch = Stopwatch.StartNew();
        bool mayLearn = lessons is null;
        lessons ??= new Lessons(null, new HashSet<string>());
        for (int attempt = 1; ; attempt++)
        {
            AppliedSteps done = prepared.Steps.Branch();
            (Model model, bool changed) = maker.Apply(recipe, isRequested: proof == Proof.Budgets, prepared.Form, done, lessons);
            if (!changed && !(recipe.IsLossless && prepared.Form.IsChanged))
            {
                string reason = done.Steps.Count > prepared.Steps.Steps.Count ? FaultDiagnostics.Reason(done.Steps[^1].Explanation) : "nothing in it can be simplified";
                return trial with { Recipe = recipe, Refusal = reason, DidNotApply = true, Plan = done.Quantization, Steps = Since(prepared, done), Seconds = watch.Elapsed.TotalSeconds };
            }

            ComparisonResult result = maker.Save(model, done) ?? comparison.Of(shipped, proof, timing: Timing);
            if (mayLearn && result.LosesAccuracy && recipe.CanKeepAccuracy && lessons.JudgeAccuracy is null && samples is not null)
            {
                lessons = lessons with { JudgeAccuracy = form => comparison.Judge(form) };
                continue;
            }

            if (mayLearn && result.Cause == RefusalCause.Latency && attempt < MostAttempts && done.Quantization?.LeastGaining() is { Count: > 0 } regions)
            {
                lessons = lessons with { SlowerInIntegers = lessons.SlowerInIntegers.Union(regions).ToHashSet() };
                continue;
            }

            return Judged(trial with { Recipe = recipe, Lessons = lessons, Plan = done.Quantization, Steps = Since(prepared, done), Seconds = watch.Elapsed.TotalSeconds }, result, prepared, done, PinOf(recipe, prepared, lessons, done), proof);
        }
    }

    /// <summary>Makes again what an earlier search chose.</summary>
    internal Trial Again(Recipe recipe, PinnedRecipe pinned, PreparedForm prepared, Trial trial)
    {
        Stopwatch watch = Stopwatch.StartNew();
        AppliedSteps done = prepared.Steps.Branch();
        Lessons lessons = LessonsOf(pinned);
        (Model model, bool changed) = maker.Apply(recipe, isRequested: false, prepared.Form, done, lessons);
        if (!changed && !(recipe.IsLossless && prepared.Form.IsChanged))
        {
            return trial with { Recipe = recipe, Refusal = "it does nothing to this model", DidNotApply = true };
        }

        ComparisonResult result = maker.Save(model, done) ?? comparison.Of(shipped, Proof.Value, timing: Timing);
        // A recipe from another model has no names of nodes.
        pinned = pinned.FloatNodes is null && pinned.SlowerLayers.Count == 0 ? PinOf(recipe, prepared with { Share = pinned.Sparsity, Technique = pinned.Pruning }, lessons, done) : pinned;
        return Judged(trial with { Recipe = recipe, Lessons = lessons, Plan = done.Quantization, Steps = Since(prepared, done), Seconds = watch.Elapsed.TotalSeconds }, result, prepared, done, pinned, Proof.Value);
    }

    /// <summary>The source as it is, for what can't be better than it.</summary>
    internal Trial Source(Trial trial, AppliedSteps loaded)
    {
        AppliedSteps done = loaded.Branch();
        maker.CopySource(done);
        return Judged(trial with { IsSource = true }, comparison.Of(shipped, Proof.Budgets, measuresLatency: false), null, done, new PinnedRecipe { IsSource = true }, Proof.Budgets);
    }

    /// <summary>Whether the model keeps its accuracy with channels removed, before anything else is done to it.</summary>
    internal AccuracyVerdict Look(Prepared pruned) => comparison.Judge(pruned.Model, Proof.Margin);

    /// <summary>The signal-to-noise ratio, in decibels, that a recipe's outputs have on calibration samples; null where it applies to nothing or nothing was compared.</summary>
    internal double? RatioOf(Recipe recipe, PreparedForm prepared)
    {
        AppliedSteps done = prepared.Steps.Branch();
        return maker.Apply(recipe, isRequested: false, prepared.Form, done, new Lessons(null, new HashSet<string>())).IsChanged ? done.Quantization?.SignalToNoise : null;
    }

    /// <summary>What is passed to passes to choose again what was chosen.</summary>
    internal static Lessons LessonsOf(PinnedRecipe pinned) => new(null, pinned.SlowerLayers.ToHashSet())
    {
        Pinned = pinned.FloatNodes is { } nodes ? new PinnedIntegers(nodes, pinned.IsJudged) : null,
    };

    /// <summary>How a candidate is made again.</summary>
    internal static PinnedRecipe PinOf(Recipe recipe, PreparedForm prepared, Lessons lessons, AppliedSteps done)
    {
        PinnedRecipe pinned = recipe.Settings.Pin(prepared.Share, prepared.Technique);
        pinned.SlowerLayers = [.. lessons.SlowerInIntegers.Order(StringComparer.Ordinal)];
        pinned.FloatNodes = done.Quantization?.FloatNodes;
        pinned.IsJudged = pinned.FloatNodes is not null && (lessons.JudgeAccuracy is not null || lessons.Pinned is { IsJudged: true });
        return pinned;
    }

    private static IReadOnlyList<Step> Since(PreparedForm prepared, AppliedSteps done) => [.. done.Steps.Skip(prepared.Steps.Steps.Count)];

    private Trial Judged(Trial trial, ComparisonResult result, PreparedForm? prepared, AppliedSteps done, PinnedRecipe pinned, Proof proof)
    {
        if (result.Cause is RefusalCause.Runtime or RefusalCause.Format)
        {
            return trial with { Refusal = result.Refusal, Cause = result.Cause };
        }

        if (result.Refusal is null && proof != Proof.Budgets && request.Settings.Objective != Objective.Size)
        {
            result = maker.RefuseLarger(result) ?? result;
        }

        Outcome outcome = maker.OutcomeOf(result, done, pinned) with { Multiplications = prepared is { Form.IsPruned: true, Simplified: { } whole } ? maker.Count(whole, prepared.Form) : null };
        (outcome, string? memoryReason) = result.Refusal is null ? sizes.WithMemory(outcome) : (outcome, null);
        long bytes = sizes.Bytes();
        return trial with
        {
            Outcome = outcome,
            Refusal = result.Refusal,
            Cause = result.Cause,
            ShippedBytes = bytes,
            Budgets = BudgetDiagnostics.Judge(request, shipped.Describe(outcome), bytes, DeviceEvidence.None, memoryReason),
        };
    }
}

/// <summary>What recipes are applied to, and the steps that led to it.</summary>
/// <param name="Form">The model.</param>
/// <param name="Steps">What was done to it.</param>
/// <param name="Share">Share of channels or weights that was removed by our choice.</param>
/// <param name="Technique">How.</param>
internal sealed record PreparedForm(Prepared Form, AppliedSteps Steps, double Share = 0, Pruning Technique = Pruning.None)
{
    /// <summary>What it was before anything was removed.</summary>
    internal Prepared? Simplified { get; init; }
}
