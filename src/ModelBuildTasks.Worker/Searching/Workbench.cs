using System.Diagnostics;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Inference;
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
/// <param name="cache">Trials of earlier searches; null where none are kept.</param>
internal sealed class Workbench(
    OptimizationRequest request, CandidateMaker maker, Comparison comparison, ShippedForm shipped, Dataset? samples, ShippedSizes sizes, TrialCache? cache)
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
        bool mayLearn = lessons is null;
        lessons ??= Lessons.None;
        for (int attempt = 1; ; attempt++)
        {
            (Trial made, ComparisonResult? result) = Make(recipe, prepared, trial, proof, lessons, measuresLatency: true);
            trial = trial with { Seconds = made.Seconds };
            if (mayLearn && result is { LosesAccuracy: true } && recipe.CanKeepAccuracy && lessons.JudgeAccuracy is null && samples is not null)
            {
                lessons = lessons with { JudgeAccuracy = form => comparison.Judge(form) };
                continue;
            }

            if (mayLearn && result is { Cause: RefusalCause.Latency } && attempt < MostAttempts && made.Plan?.LeastGaining() is { Count: > 0 } regions)
            {
                lessons = lessons with { SlowerInIntegers = lessons.SlowerInIntegers.Union(regions).ToHashSet() };
                continue;
            }

            // A pass that finds nothing that keeps the accuracy has found that it costs too much.
            return made is { DidNotApply: true } && lessons.JudgeAccuracy is not null ? made with { DidNotApply = false, Cause = RefusalCause.Accuracy } : made;
        }
    }

    /// <summary>Whether the model keeps its accuracy with something removed, before anything else is done to it. Its time is not measured.</summary>
    internal Trial Look(PreparedForm pruned, Trial trial) => Make(RecipeBook.Simplification, pruned, trial, Proof.Margin, Lessons.None, measuresLatency: false).Trial;

    /// <summary>Makes again what an earlier search chose.</summary>
    internal Trial Again(Recipe recipe, PinnedRecipe pinned, PreparedForm prepared, Trial trial) =>
        Make(recipe, prepared, trial, prepared.Share > 0 && request.Settings.Pruning == Pruning.Auto ? Proof.Margin : Proof.Value, LessonsOf(pinned), measuresLatency: true).Trial;

    /// <summary>The source as it is, for what can't be better than it.</summary>
    internal Trial Source(Trial trial, AppliedSteps loaded)
    {
        Stopwatch watch = Stopwatch.StartNew();
        AppliedSteps done = loaded.Branch();
        maker.CopySource(done);
        ComparisonResult result = comparison.Of(shipped, Proof.Budgets, measuresLatency: false);
        return Judged(trial with { IsSource = true }, result, maker.OutcomeOf(result, done, new PinnedRecipe { IsSource = true }), Proof.Budgets) with { Seconds = watch.Elapsed.TotalSeconds };
    }

    /// <summary>The signal-to-noise ratio, in decibels, that a recipe's outputs have on calibration samples; null where it applies to nothing or nothing was compared.</summary>
    internal double? RatioOf(Recipe recipe, PreparedForm prepared)
    {
        AppliedSteps done = prepared.Steps.Branch();
        return maker.Apply(recipe, isRequested: false, prepared.Form, done, Lessons.None).IsChanged ? done.Quantization?.SignalToNoise : null;
    }

    /// <summary>What is passed to passes to choose again what was chosen.</summary>
    internal static Lessons LessonsOf(PinnedRecipe pinned) => new(null, pinned.SlowerLayers.ToHashSet())
    {
        Pinned = pinned.FloatNodes is { } nodes ? new PinnedIntegers(nodes, pinned.IsJudged) : null,
    };

    /// <summary>How a candidate is made again.</summary>
    internal static PinnedRecipe PinOf(Recipe recipe, PreparedForm prepared, Lessons lessons, AppliedSteps done)
    {
        PinnedRecipe pinned = Asked(recipe, prepared, lessons);
        pinned.FloatNodes = done.Quantization?.FloatNodes;
        pinned.IsJudged &= pinned.FloatNodes is not null;
        return pinned.With(done.TrainedWeights);
    }

    /// <summary>How a candidate is made, as far as that is known before it is.</summary>
    private static PinnedRecipe Asked(Recipe recipe, PreparedForm prepared, Lessons lessons)
    {
        PinnedRecipe asked = recipe.Settings.Pin(prepared.Share, prepared.Technique);
        asked.FineTune = prepared.FineTune == FineTune.None ? asked.FineTune : prepared.FineTune;
        asked.SlowerLayers = [.. lessons.SlowerInIntegers.Order(StringComparer.Ordinal)];
        asked.FloatNodes = lessons.Pinned?.FloatNodes;
        asked.IsJudged = lessons.JudgeAccuracy is not null || lessons.Pinned is { IsJudged: true };
        return asked;
    }

    /// <summary>Makes a trial, or takes what an earlier search made of it.</summary>
    /// <returns>The trial, and what was compared; null where there is no candidate.</returns>
    private (Trial Trial, ComparisonResult? Result) Make(Recipe recipe, PreparedForm prepared, Trial trial, Proof proof, Lessons lessons, bool measuresLatency)
    {
        trial = trial with { Recipe = recipe, Lessons = lessons };
        if (samples is not null && cache?.Find(Asked(recipe, prepared, lessons)) is { } known && comparison.Of(known, proof, measuresLatency) is { } verdict)
        {
            return (Judged(trial with { Plan = known.Quantization, Steps = [.. known.Steps.Skip(prepared.StepCount)] }, verdict, known, proof), verdict);
        }

        Stopwatch watch = Stopwatch.StartNew();
        try
        {
            (Trial made, ComparisonResult? result) = MakeAnew(recipe, prepared, trial, proof, lessons, measuresLatency);
            return (made with { Seconds = trial.Seconds + watch.Elapsed.TotalSeconds }, result);
        }
        catch (Exception fault) when (fault is InferenceException or UnconvertibleException)
        {
            // That ONNX Runtime trips over one form says nothing of the others.
            return (trial with { Refusal = FaultDiagnostics.Clause(fault.Message), Seconds = trial.Seconds + watch.Elapsed.TotalSeconds }, null);
        }
    }

    private (Trial Trial, ComparisonResult? Result) MakeAnew(Recipe recipe, PreparedForm prepared, Trial trial, Proof proof, Lessons lessons, bool measuresLatency)
    {
        AppliedSteps done = prepared.Steps.Branch();
        (Model model, bool changed) = maker.Apply(recipe, isRequested: proof == Proof.Budgets, prepared.Form, done, lessons);
        trial = trial with { Plan = done.Quantization, Steps = [.. done.Steps.Skip(prepared.StepCount)] };
        if (!changed && !(recipe.IsLossless && prepared.Form.IsChanged))
        {
            return (trial with { Refusal = trial.Steps is [.., var last] ? FaultDiagnostics.Reason(last.Explanation) : "nothing in it can be simplified", DidNotApply = true }, null);
        }

        if (maker.Save(model, done) is { } unfit)
        {
            return (trial with { Refusal = unfit.Refusal, Cause = unfit.Cause }, unfit);
        }

        ComparisonResult result = comparison.Of(shipped, proof, measuresLatency, Timing);
        Outcome outcome = maker.OutcomeOf(result, done, PinOf(recipe, prepared, lessons, done)) with
        {
            Multiplications = prepared is { Form: { IsPruned: true } or { IsStudent: true }, Simplified: { } whole } ? maker.Count(whole, prepared.Form) : null,
        };
        if (result.Accuracy is not null)
        {
            cache?.Keep(Asked(recipe, prepared, lessons), outcome);
        }

        return (Judged(trial, result, outcome, proof), result);
    }

    private Trial Judged(Trial trial, ComparisonResult result, Outcome outcome, Proof proof)
    {
        if (result.Refusal is null && proof != Proof.Budgets && request.Settings.Objective != Objective.Size)
        {
            result = maker.RefuseLarger(result) ?? result;
        }

        (outcome, string? memoryReason) = result.Refusal is null ? sizes.WithMemory(outcome) : (outcome, null);
        long bytes = result.Refusal is null ? sizes.Bytes() : shipped.ShippedBytes;
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
