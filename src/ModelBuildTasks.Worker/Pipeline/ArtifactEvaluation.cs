using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Worker.Commands;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Pipeline;

/// <param name="Artifact">The artifact.</param>
/// <param name="Data">Full path of the new data.</param>
/// <param name="Original">Full path of the model to compare with; null for the source model that the result names, where it is still there.</param>
/// <param name="Metric">What accuracy means.</param>
/// <param name="Budgets">The accuracy that is asked for.</param>
/// <param name="MaxDrift">The stability index that is allowed; null when drift fails nothing.</param>
internal sealed record EvaluationRequest(ArtifactFile Artifact, string Data, string? Original, Metric Metric, ModelBudgets Budgets, double? MaxDrift);

/// <summary>Measures an artifact on data that came after its build, in one pass.</summary>
internal sealed class ArtifactEvaluation(EvaluationRequest request) : IDisposable
{
    private readonly List<Diagnostic> findings = [];
    private OptimizationResult? result;
    private SourceModel? artifact;
    private SourceModel? original;
    private Dataset? data;

    /// <summary>What was found on the way.</summary>
    internal IReadOnlyList<Diagnostic> Findings => findings;

    public void Dispose()
    {
        artifact?.Dispose();
        original?.Dispose();
    }

    /// <summary>Loads the models and opens the data.</summary>
    /// <param name="exitCode">Where something is wrong, what the command ends with; standard error has the reason.</param>
    internal bool Load(out int exitCode)
    {
        result = request.Artifact.ReadResult("drift is not measured");
        string? originalPath = request.Original ?? (result is not null && File.Exists(result.Model) ? result.Model : null);
        artifact = SourceModel.Load(request.Artifact.ModelPath);
        exitCode = originalPath is null ? ModelCommand.Succeeded : ModelCommand.Run(originalPath, path =>
        {
            // Its own faults carry its own path.
            original = SourceModel.Load(path);
            return ModelCommand.Succeeded;
        });
        if (exitCode != ModelCommand.Succeeded)
        {
            return false;
        }

        data = Dataset.Open(request.Data, artifact.Session.Inputs);
        bool asksForDrop = request.Budgets is { MaxAccuracyDrop: not null } or { MaxClassAccuracyDrop: not null };
        Diagnostic? fault =
            original is not null && Verification.Check(original.Session, artifact.Session, TrialInputs.For(original.Session, data)) is { } difference
                ? Diagnostic.Create(DiagnosticCatalogue.CannotRun, request.Artifact.Path, $"it cannot stand in for '{originalPath}': {difference}")
            : original is null && asksForDrop
                ? Diagnostic.Create(DiagnosticCatalogue.ContradictorySettings, request.Artifact.Path, "a drop is against the original model, and no result file tells where that is; name it by --original")
            : original is null && !data.HasLabels && request.Budgets.MinAccuracy is not null
                ? Diagnostic.Create(DiagnosticCatalogue.ContradictorySettings, request.Artifact.Path, "accuracy needs labels, or the original model to compare with; name it by --original")
            : null;
        exitCode = ModelCommand.Report(fault is null ? [] : [fault]);
        return fault is null;
    }

    /// <returns>Null when the metric does not apply; <see cref="Findings"/> says why.</returns>
    internal EvaluationFacts? Measure(IProgress<PipelineProgress> progress, CancellationToken cancellation)
    {
        progress.Report(new PipelineProgress("evaluating", 0));
        ModelSession model = artifact!.Session;
        (DriftMeasurement? drift, string? reason) = StartDrift(model);
        DataSurvey survey = new(data!, []);
        ObservedDataset samples = new(survey.Data, (_, sample) => drift?.Add(sample));
        MetricKind metric = MetricOf(data!);
        AccuracyResult? accuracy = null;
        try
        {
            accuracy = original is null && !data!.HasLabels ? null : AccuracyComparison.Run(original?.Session ?? model, model, samples, metric, cancellation: cancellation);
        }
        catch (MetricException fault)
        {
            findings.Add(FaultDiagnostics.Of(fault, metric, request.Data));
            return null;
        }
        catch (UndefinedOutputException fault)
        {
            findings.Add(FaultDiagnostics.Of(fault, request.Artifact.Path, request.Data));
            return null;
        }

        samples.ReadRest(cancellation);
        bool countsAnswers = accuracy?.Metric is MetricKind.Top1 or MetricKind.Top5;
        findings.AddRange(survey.LabelProblems(DataFindings.ClassesOf(model), countsAnswers).Select(problem => Diagnostic.Create(
            DiagnosticCatalogue.LabelProblem, request.Data, Path.GetFileName(request.Artifact.Path), Path.GetFileName(request.Data), problem)));
        return new EvaluationFacts
        {
            File = request.Artifact.Path,
            Data = request.Data,
            Samples = data!.Count,
            Original = original?.Path,
            Accuracy = accuracy,
            Drift = drift?.Measure() ?? [],
            DriftReason = reason,
        };
    }

    /// <summary>The metric that is asked for, else that of the build where there are labels, else what the labels suggest.</summary>
    private MetricKind MetricOf(Dataset samples)
    {
        bool isBuilt = request.Metric == Metric.Auto && samples.HasLabels && result?.AccuracyDrop?.Metric is not (null or Metric.Cosine or Metric.SignalToNoise);
        return Enum.Parse<MetricKind>((isBuilt ? result!.AccuracyDrop!.Metric : request.Metric).ToString());
    }

    private (DriftMeasurement? Measurement, string? Reason) StartDrift(ModelSession model)
    {
        if (result is null)
        {
            return (null, "no result file of the build tells of the calibration data");
        }

        if (result.CalibratedInputs.Count == 0)
        {
            return (null, "the model was built without calibration data");
        }

        try
        {
            return (new DriftMeasurement(model.Inputs, [.. result.CalibratedInputs.Select(DistributionContract.Read)]), null);
        }
        catch (ArgumentException)
        {
            return (null, $"'{request.Artifact.ResultPath}' tells of other inputs than the artifact has");
        }
    }
}
