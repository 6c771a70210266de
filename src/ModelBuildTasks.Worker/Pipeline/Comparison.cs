using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>What a candidate is worth.</summary>
/// <param name="Refusal">Why it must not ship, as a clause; null when it may.</param>
internal sealed record ComparisonResult(string? Refusal, AccuracyResult? Accuracy = null, LatencyResult? Latency = null, string? LatencyReason = null)
{
    /// <summary>What makes it lose more accuracy than <c>Auto</c> may, as a clause; null when it does not.</summary>
    internal string? Loss { get; init; }

    /// <summary>Whether it loses more accuracy than <c>Auto</c> may, or more than the budget of a project that chose the recipe, where it may ship all the same.</summary>
    internal bool LosesAccuracy { get; init; }

    /// <inheritdoc cref="Outcome.Untried"/>
    internal string? Untried { get; init; }

    /// <inheritdoc cref="Outcome.DrawnCosine"/>
    internal double? DrawnCosine { get; init; }

    /// <summary>What <see cref="Refusal"/> is about.</summary>
    internal RefusalCause Cause { get; init; }
}

/// <summary>Verifies candidates and measures them against the original, on the same samples and in the same run.</summary>
internal sealed class Comparison(
    SourceModel source, TargetProfile target, OptimizationRequest request, Dataset? data, IProgress<PipelineProgress> progress, CancellationToken cancellation)
{
    /// <summary>A trial may seem slower than the original by so much before it is refused for that: it is measured quickly, and with care before it ships.</summary>
    private const double MostOfTrial = 1.05;

    /// <summary>Why latency is missing though this machine could tell it another time.</summary>
    internal const string MachineIsBusy = "another build kept measuring on this machine";

    /// <summary>Why latency is missing for want of samples.</summary>
    internal const string RunsOnNothingDrawn = "the model runs on no drawn input, and there are no samples of real input";

    private readonly AccuracyAllowance allowance = new(request);

    private readonly Lazy<IReadOnlyList<IReadOnlyList<Tensor>>> inputs = new(() => TrialInputs.For(source.Session, data));

    /// <param name="candidate">The candidate.</param>
    /// <param name="proof">What it must prove where <c>Auto</c> chose it. What the project chose, only the budgets judge.</param>
    /// <param name="measuresLatency">Whether latency is measured, where that is possible.</param>
    /// <param name="timing">How; null as for what ships.</param>
    internal ComparisonResult Of(ShippedForm candidate, Proof proof, bool measuresLatency = true, LatencySettings? timing = null)
    {
        progress.Report(new PipelineProgress("verifying", 0));
        ModelSession artifact;
        try
        {
            artifact = candidate.Open();
        }
        catch (UnconvertibleException exception)
        {
            return new ComparisonResult(FaultDiagnostics.Reason(exception.Message)) { Cause = RefusalCause.Format };
        }
        catch (InferenceException exception)
        {
            // Before it was converted, it was loaded: so it is the format.
            RefusalCause cause = request.Settings.Format == ArtifactFormat.Ort ? RefusalCause.Format : RefusalCause.Broken;
            return new ComparisonResult($"ONNX Runtime cannot load it: {FaultDiagnostics.Clause(exception.Message)}") { Cause = cause };
        }

        using (artifact)
        using (ModelSession? rounded = Rounded(candidate.ArtifactPath))
        {
            ModelSession judged = rounded ?? artifact;
            IoPrecision io = request.Settings.IoPrecision;
            if ((Verification.Check(source.Session, artifact, inputs.Value, io) ?? (rounded is null ? null : Verification.Check(source.Session, rounded, inputs.Value, io))) is { } difference)
            {
                return new ComparisonResult(difference);
            }

            if (candidate.Difference(artifact, inputs.Value) is { } changed)
            {
                return new ComparisonResult(changed);
            }

            TrialResult trial = Try(artifact, candidate.Make());
            if (trial.Refusal is { } unfit)
            {
                return new ComparisonResult(unfit) { Cause = RefusalCause.Runtime };
            }

            AccuracyResult? accuracy;
            try
            {
                accuracy = data is null ? null : MeasureAccuracy(judged, data);
            }
            catch (OptimizedModelException fault)
            {
                return new ComparisonResult(FaultDiagnostics.Clause(fault.Message));
            }

            if (accuracy is not null && Verification.Check(accuracy) is { } breakage)
            {
                return new ComparisonResult(breakage);
            }

            bool mustProveItself = proof != Proof.Budgets;
            (AccuracyResult? likeness, string? unproven) = accuracy is null ? CompareOnDrawn(judged) : default;
            string? loss = accuracy is not null ? ReasonToMistrust(accuracy, proof)
                : mustProveItself ? unproven ?? (likeness is null ? null : ReasonToMistrust(likeness, Proof.Value))
                : null;
            if (mustProveItself && loss is not null)
            {
                return new ComparisonResult(loss, accuracy) { LosesAccuracy = accuracy is not null, Cause = accuracy is not null ? RefusalCause.Accuracy : RefusalCause.Unproven, DrawnCosine = likeness?.WorstCosine };
            }

            if (!measuresLatency)
            {
                return new ComparisonResult(null, accuracy) { Untried = trial.Untried, DrawnCosine = likeness?.WorstCosine };
            }

            string? latencyReason = ReasonNotToMeasure();
            LatencyResult? latency = latencyReason is null ? MeasureLatency(artifact, timing) : null;
            if (latencyReason is null && latency is null)
            {
                latencyReason = MachineIsBusy;
            }

            return mustProveItself && MayNotBeSlower && latency?.Ratio.Low > (timing is null ? 1 : MostOfTrial) && IsSlowerAsShipped(artifact, candidate)
                ? Slower(latency!, accuracy) with { Untried = trial.Untried, DrawnCosine = likeness?.WorstCosine }
                : new ComparisonResult(null, accuracy, latency, latencyReason) { Loss = loss, LosesAccuracy = loss is not null && request.Budgets.MaxAccuracyDrop is not null, Untried = trial.Untried, DrawnCosine = likeness?.WorstCosine };
        }
    }

    /// <summary>What the artifact gives where float16 is computed, which this processor does not do by itself; null where the artifact computes nothing in float16.</summary>
    private ModelSession? Rounded(string artifactPath)
    {
        try
        {
            return target.ComputesFloat16 && Float16Emulation.Of(Model.Load(artifactPath)) is { } emulated ? ModelSession.Open(emulated) : null;
        }
        catch (InferenceException)
        {
            // The artifact itself was loaded, and is what there is to judge.
            return null;
        }
    }

    /// <summary>Tells whether a form of the model keeps the accuracy by the project's metric and samples. There must be samples.</summary>
    internal AccuracyVerdict Judge(Model form)
    {
        using ModelSession session = ModelSession.Open(form);
        try
        {
            AccuracyResult accuracy = MeasureAccuracy(session, data!);
            return Verification.Check(accuracy) is { } breakage ? new AccuracyVerdict(false, breakage) : allowance.Judge(accuracy);
        }
        catch (OptimizedModelException fault)
        {
            return new AccuracyVerdict(false, FaultDiagnostics.Clause(fault.Message));
        }
    }

    /// <summary>What is to be said now of a candidate that was measured before; null where not all that is needed was measured.</summary>
    /// <param name="measuresLatency">Whether its latency is needed.</param>
    internal ComparisonResult? Of(Outcome measured, Proof proof, bool measuresLatency)
    {
        if (measured.Accuracy is not { } accuracy || Verification.Check(accuracy) is not null)
        {
            return null;
        }

        string? loss = ReasonToMistrust(accuracy, proof);
        if (proof != Proof.Budgets && loss is not null)
        {
            return new ComparisonResult(loss, accuracy) { LosesAccuracy = true, Cause = RefusalCause.Accuracy };
        }

        return measuresLatency && measured.Latency is null && Times ? null
            : measuresLatency && proof != Proof.Budgets && MayNotBeSlower && measured.Latency is { Ratio.Low: > MostOfTrial } slow ? Slower(slow, accuracy)
            : new ComparisonResult(null, accuracy, measured.Latency, measured.LatencyReason) { Loss = loss, LosesAccuracy = loss is not null && request.Budgets.MaxAccuracyDrop is not null };
    }

    private static ComparisonResult Slower(LatencyResult latency, AccuracyResult? accuracy) =>
        new(FormattableString.Invariant($"it takes {latency.Ratio.Value:0.00} times the original's time on this machine"), accuracy, latency) { Cause = RefusalCause.Latency };

    /// <summary>Whether latency is measured here, and there is something to run.</summary>
    internal bool Times => ReasonNotToMeasure() is null;

    /// <summary>The latency of what ships, measured with all care.</summary>
    /// <returns>Null where another build kept measuring.</returns>
    internal LatencyResult? Time(ShippedForm candidate)
    {
        using ModelSession artifact = candidate.Open();
        return MeasureLatency(artifact, timing: null);
    }

    /// <summary>How the time of one form compares with that of another, in turns.</summary>
    /// <param name="first">Path of a file that ships.</param>
    /// <param name="second">Path of another.</param>
    /// <returns>The second's time over the first's; null where another build kept measuring.</returns>
    internal Estimate? Compare(string first, string second)
    {
        progress.Report(new PipelineProgress("comparing latencies", 0));
        using ModelSession one = ModelSession.Open(first), other = ModelSession.Open(second);
        return LatencyComparison.Run(one, other, inputs.Value[0], ProcessorName.Current, cancellation: cancellation)?.Ratio;
    }

    /// <summary>Whether a form that is slower than the original is refused: not where something else is to be made best, which its budgets may hold.</summary>
    private bool MayNotBeSlower => request.Settings.Objective is Objective.Latency or Objective.Accuracy;

    /// <summary>A session for what would ship in the candidate's place; null where it could not.</summary>
    private static ModelSession? AsShipped(Model other, ShippedForm candidate)
    {
        try
        {
            return candidate.CanShip(other) ? candidate.Open(other) : null;
        }
        catch (Exception fault) when (fault is UnconvertibleException or InferenceException)
        {
            return null;
        }
    }

    /// <summary>Why the artifact lost too much to ship without being asked for, as a clause; null when it did not.</summary>
    private string? ReasonToMistrust(AccuracyResult accuracy, Proof proof) => allowance.Judge(accuracy, proof) is { IsKept: false, Finding: var finding } ? finding : null;

    /// <summary>Runs the artifact in the ONNX Runtime of the app, unless that is the one that verifies anyway, or is not on this machine.</summary>
    private TrialResult Try(ModelSession artifact, string artifactPath)
    {
        if (!target.RunsHere || inputs.Value.Count == 0 || request.Runtime is not { } runtime || runtime.Version == ModelSession.RuntimeVersion || ReleaseTrial.Library(runtime) is not { } library)
        {
            return default;
        }

        progress.Report(new PipelineProgress($"running in ONNX Runtime {runtime.Version}", 0));
        return ReleaseTrial.Check(runtime, library, artifactPath, artifact.Fit(inputs.Value[0]), artifact.Run(inputs.Value[0]), cancellation);
    }

    /// <summary>Without data, likeness on a drawn input is all there is: no accuracy, but enough to refuse what went wrong.</summary>
    /// <returns>The likeness; else why nothing proves it, as a clause; neither where the model runs on nothing drawn.</returns>
    private (AccuracyResult? Likeness, string? Reason) CompareOnDrawn(ModelSession artifact)
    {
        if (inputs.Value.Count == 0)
        {
            return default;
        }

        try
        {
            return (AccuracyComparison.Run(source.Session, artifact, new TrialDataset(inputs.Value), MetricKind.Cosine, cancellation: cancellation), null);
        }
        catch (UndefinedOutputException undefined)
        {
            return (null, $"output '{undefined.Output}' of the model is infinite or undefined for the inputs drawn for it, so that nothing proves likeness; samples of real input would");
        }
    }

    private AccuracyResult MeasureAccuracy(ModelSession artifact, Dataset samples)
    {
        MetricKind metric = Enum.Parse<MetricKind>(request.Settings.Metric.ToString());
        return AccuracyComparison.Run(source.Session, artifact, samples, metric, progress: new SamplesDone(samples.Count, progress), cancellation: cancellation);
    }

    private LatencyResult? MeasureLatency(ModelSession artifact, LatencySettings? timing)
    {
        progress.Report(new PipelineProgress("measuring latency", 0));
        return LatencyComparison.Run(source.Session, artifact, inputs.Value[0], ProcessorName.Current, settings: timing, cancellation: cancellation);
    }

    /// <summary>
    /// Whether an artifact that is slower than the original is slower, too, than the original in the form that ships. An ORT file has no blocked layouts, and can be slower for that alone:
    /// then the original, which would ship in its place, is no faster.
    /// </summary>
    private bool IsSlowerAsShipped(ModelSession artifact, ShippedForm candidate)
    {
        if (request.Settings.Format == ArtifactFormat.Onnx)
        {
            return true;
        }

        using ModelSession? original = AsShipped(source.Model, candidate);
        return original is not null && LatencyComparison.Run(original, artifact, inputs.Value[0], ProcessorName.Current, cancellation: cancellation) is not { Ratio.Low: <= 1 };
    }

    private string? ReasonNotToMeasure() => ReasonNotToMeasure(request, target) ?? (inputs.Value.Count == 0 ? RunsOnNothingDrawn : null);

    /// <summary>Why nothing is measured here, as the end of a sentence; null when it may be.</summary>
    internal static string? ReasonNotToMeasure(OptimizationRequest request, TargetProfile target) =>
        request.Measurement == Measurement.Skip ? "ModelMeasurement is Skip"
        : !target.RunsHere ? $"this machine cannot run {target} artifacts"
        : null;

    private sealed class SamplesDone(int count, IProgress<PipelineProgress> progress) : IProgress<int>
    {
        public void Report(int value) => progress.Report(new PipelineProgress("measuring accuracy", (double)value / count));
    }
}
