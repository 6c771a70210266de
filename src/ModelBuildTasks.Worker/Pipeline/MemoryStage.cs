using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Measuring;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>Measures memory where a budget or the objective asks for it, also of an artifact that was made before one did. The source is measured once.</summary>
internal sealed class MemoryStage(OptimizationRequest request, TargetProfile target, IProgress<PipelineProgress> progress, CancellationToken cancellation)
{
    private MeasuredMemory? original;

    /// <summary>Why memory is missing, as the end of a sentence; null when it was measured or need not be.</summary>
    internal string? Reason { get; private set; }

    /// <summary>Whether it is missing though another attempt may get it.</summary>
    internal bool MayBeRepeated { get; private set; }

    /// <summary>The outcome with its memory, if that was asked for and could be measured.</summary>
    internal Outcome Complete(Outcome outcome, string artifactPath)
    {
        if ((request.Budgets.MaxMemoryBytes is null && request.Settings.Objective != Objective.Memory) || outcome.Memory is not null)
        {
            return outcome;
        }

        Reason = Comparison.ReasonNotToMeasure(request, target);
        return Reason is null ? Measure(outcome, artifactPath) : outcome;
    }

    private Outcome Measure(Outcome outcome, string artifactPath)
    {
        progress.Report(new PipelineProgress("measuring memory", 0));
        using SourceModel source = SourceModel.Load(request.ModelPath);
        Dataset? data = (request.EvaluationData ?? request.CalibrationData) is { } path ? Dataset.Open(path, source.Session.Inputs) : null;
        IReadOnlyList<IReadOnlyList<Tensor>> samples = source.Opaque is null ? TrialInputs.For(source.Session, data) : [];
        if (samples.Count == 0)
        {
            Reason = Comparison.RunsOnNothingDrawn;
            return outcome;
        }

        MeasuredMemory optimized = PeakMemory.Measure(artifactPath, samples, threads: 1, cancellation);
        // What hangs once need not hang twice.
        original ??= optimized.Reason is null ? PeakMemory.Measure(source.RunnablePath, samples, threads: 1, cancellation) : null;
        Reason = optimized.Reason ?? original?.Reason;
        MayBeRepeated = Reason is not null;
        return MayBeRepeated ? outcome : outcome with { Memory = new PeakMemories(original!.Value.Bytes!.Value, optimized.Bytes!.Value) };
    }
}
