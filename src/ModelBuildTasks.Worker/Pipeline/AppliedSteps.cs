using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Training;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Recipes;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>Applies passes and keeps what each did or why it did nothing, in order, with what people are to be told.</summary>
internal sealed class AppliedSteps(TargetProfile target, Dataset? calibration, IProgress<PipelineProgress> progress, CancellationToken cancellation)
{
    /// <summary>Reasons of a step that are kept: a large model has thousands of places where a rule does not apply, and they repeat one another.</summary>
    private const int MostReasons = 50;

    internal List<Step> Steps { get; private init; } = [];

    internal List<Note> Notes { get; private init; } = [];

    /// <summary>What the last passes that quantize decided; null when there were none.</summary>
    internal QuantizationPlan? Quantization { get; set; }

    /// <summary>Names of the steps that applied, in order.</summary>
    internal IEnumerable<string> Plan => Steps.Where(step => step.Applied).Select(step => step.Name);

    /// <summary>What training made, in order, as <see cref="PinnedRecipe.TrainedWeights"/> has it.</summary>
    internal IReadOnlyList<string> TrainedWeights => [.. Steps.Where(step => step.Applied).Select(step => step.TrainedWeights).OfType<string>()];

    internal Mark Now => new(Steps.Count, Notes.Count);

    /// <summary>What follows here does not show there.</summary>
    internal AppliedSteps Branch() => new(target, calibration, progress, cancellation) { Steps = [.. Steps], Notes = [.. Notes] };

    /// <summary>Steps that follow others, and end as these here do.</summary>
    internal AppliedSteps After(AppliedSteps before) => new(target, calibration, progress, cancellation) { Steps = [.. before.Steps], Notes = [.. before.Notes] };

    /// <summary>Applies what the project asked for by name, so that doing nothing is a finding.</summary>
    internal bool ApplyRequested(IModelPass pass, Model model, Lessons? lessons = null)
    {
        PassOutcome outcome = Made(pass, model, lessons);
        if (!outcome.Changed)
        {
            Notes.Add(Note.Of(DiagnosticCatalogue.StepDidNotApply, pass.Name, FaultDiagnostics.Reason(outcome.Explanation)));
        }
        else if (outcome.Untrained is { } reason)
        {
            Notes.Add(Note.Of(DiagnosticCatalogue.StepDidNotApply, "training", FaultDiagnostics.Reason(reason)));
        }

        return outcome.Changed;
    }

    /// <returns>Whether the pass changed the model.</returns>
    internal bool Apply(IModelPass pass, Model model, Lessons? lessons = null) => Made(pass, model, lessons).Changed;

    private PassOutcome Made(IModelPass pass, Model model, Lessons? lessons)
    {
        cancellation.ThrowIfCancellationRequested();
        progress.Report(new PipelineProgress(pass.Name, 0));
        PassContext context = new(target, calibration, new StageShare(pass.Name, progress), cancellation)
        {
            Training = new TrainingReports(pass.Name, progress),
            JudgeAccuracy = lessons?.JudgeAccuracy,
            SlowerInIntegers = lessons?.SlowerInIntegers ?? new HashSet<string>(),
            Pinned = lessons?.Pinned,
        };
        PassOutcome outcome = pass.Apply(model, context);
        if (pass is KeptTraining)
        {
            // It took minutes: people see what came of it, where the line of another step would tell them nothing.
            progress.Report(new PipelineProgress(pass.Name, 1) { Detail = $"ended: {outcome.Explanation}" });
        }

        Steps.Add(new Step(pass.Name, outcome.Changed, outcome.Explanation) { IsLossless = pass is GraphSimplification, TrainedWeights = outcome.TrainedWeights, Reasons = Shortened(outcome.Refusals) });
        Quantization = outcome.Plan is { } made ? Quantization?.CompletedBy(made) ?? made : Quantization;
        if (pass is KeptTraining && outcome.Changed && Quantization is { } trained)
        {
            // What was measured of the outputs is of before.
            Quantization = trained with { SignalToNoise = null, Outputs = [] };
        }

        return outcome;
    }

    /// <summary>Says of the steps since then that did something that it was for nothing, and why.</summary>
    internal void GiveUp(Mark since, string reason)
    {
        for (int i = since.Steps; i < Steps.Count; i++)
        {
            if (Steps[i].Applied)
            {
                Steps[i] = Steps[i] with { Applied = false, Explanation = $"{Steps[i].Explanation} Given up: {reason}." };
            }
        }
    }

    /// <summary>Nothing that was done since then ships.</summary>
    internal void ApplyNone(Mark since)
    {
        for (int i = since.Steps; i < Steps.Count; i++)
        {
            Steps[i] = Steps[i] with { Applied = false };
        }
    }

    /// <summary>As if nothing had been done since then, for it is done again.</summary>
    internal void Forget(Mark since)
    {
        Steps.RemoveRange(since.Steps, Steps.Count - since.Steps);
        Notes.RemoveRange(since.Notes, Notes.Count - since.Notes);
    }

    private static string[] Shortened(IReadOnlyList<string> reasons)
    {
        string[] different = [.. reasons.Distinct()];
        return different.Length <= MostReasons ? different : [.. different.Take(MostReasons), $"and {different.Length - MostReasons} more"];
    }

    /// <summary>A point in time: how many steps and notes there were.</summary>
    internal readonly record struct Mark(int Steps, int Notes);

    private sealed class TrainingReports(string stage, IProgress<PipelineProgress> progress) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => progress.Report(new PipelineProgress(stage, value.Share)
        {
            Detail = FormattableString.Invariant($"loss {value.Loss:G3}{(value.Left > TimeSpan.Zero ? $", {Quantity.Duration(TimeSpan.FromSeconds(Math.Ceiling(value.Left.TotalSeconds)))} left" : "")}"),
        });
    }

    private sealed class StageShare(string stage, IProgress<PipelineProgress> progress) : IProgress<double>
    {
        public void Report(double value) => progress.Report(new PipelineProgress(stage, value));
    }
}

/// <summary>What earlier attempts of a recipe taught.</summary>
/// <param name="JudgeAccuracy">Tells whether a form keeps the accuracy, after one that did not, or for pruning.</param>
/// <param name="SlowerInIntegers">Layers of regions that were part of a slower artifact.</param>
internal sealed record Lessons(Func<Model, AccuracyVerdict>? JudgeAccuracy, IReadOnlySet<string> SlowerInIntegers)
{
    /// <summary>The first attempt knows nothing.</summary>
    internal static Lessons None { get; } = new(null, new HashSet<string>());

    /// <summary>What was chosen before, to be chosen again; null where it is to be found.</summary>
    internal PinnedIntegers? Pinned { get; init; }
}
