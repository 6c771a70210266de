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
    private ModelSession? artifact;
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
        artifact = Open(request.Artifact.ModelPath);
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

        data = Dataset.Open(request.Data, artifact.Inputs);
        Diagnostic? fault =
            original is not null && Verification.Check(original.Session, artifact, TrialInputs.For(original.Session, data)) is { } difference
                ? CannotStandIn(difference)
            : Unmeasurable() is { } reason
                ? Diagnostic.Create(DiagnosticCatalogue.LimitNotMeasured, request.Artifact.Path, Path.GetFileName(request.Artifact.Path), Path.GetFileName(request.Data), reason)
            : null;
        exitCode = ModelCommand.Report(fault is null ? [] : [fault]);
        return fault is null;
    }

    /// <returns>Null when the metric does not apply; <see cref="Findings"/> says why.</returns>
    internal EvaluationFacts? Measure(IProgress<PipelineProgress> progress, CancellationToken cancellation)
    {
        progress.Report(new PipelineProgress("evaluating", 0));
        ModelSession model = artifact!;
        (DriftMeasurement? drift, string? reason) = StartDrift(model);
        DataSurvey survey = new(data!, []);
        ObservedDataset samples = new(survey.Data, (_, sample) => drift?.Add(sample));
        MetricKind metric = Enum.Parse<MetricKind>(MetricOf(data!).ToString());
        AccuracyResult? accuracy = null;
        try
        {
            accuracy = original is null && !data!.HasLabels && request.Metric == Metric.Auto ? null : AccuracyComparison.Run(original?.Session ?? model, model, samples, metric, cancellation: cancellation);
        }
        catch (MetricException fault)
        {
            findings.Add(FaultDiagnostics.Of(fault, metric, request.Data));
            return null;
        }
        catch (OptimizedModelException fault)
        {
            findings.Add(CannotStandIn(FaultDiagnostics.Clause(fault.Message)));
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

    /// <summary>A file in ORT format holds its weights. An ONNX model is read before ONNX Runtime opens it, for weights outside of its folder are refused there.</summary>
    private static ModelSession Open(string path) =>
        OrtFormat.IsNamed(path) ? ModelSession.Open(path) : SourceModel.Load(path).Session;

    private Diagnostic CannotStandIn(string difference) => EvaluationDiagnostics.CannotStandIn(request.Artifact.Path, original!.Path, difference);

    /// <summary>The metric that is asked for, else that of the build where the labels and the original allow it, else what the labels suggest.</summary>
    private Metric MetricOf(Dataset samples)
    {
        Metric built = result?.AccuracyDrop?.Metric ?? Metric.Auto;
        bool isAllowed = IsLikeness(built) ? original is not null && (!samples.HasLabels || built == Metric.Agreement) : samples.HasLabels;
        return request.Metric == Metric.Auto && isAllowed ? built : request.Metric;
    }

    /// <summary>Why accuracy that is asked for cannot be told, as a clause; null when it can.</summary>
    private string? Unmeasurable()
    {
        const string noOriginal = "no result file tells where that is; name it by --original";
        bool asksForDrop = request.Budgets is { MaxAccuracyDrop: not null } or { MaxClassAccuracyDrop: not null };
        bool asksForAccuracy = asksForDrop || request.Budgets.MinAccuracy is not null;
        Metric metric = MetricOf(data!);
        return original is null && IsLikeness(request.Metric) ? $"{metric} is likeness to the original model, and {noOriginal}"
            : original is null && asksForDrop ? $"a drop is against the original model, and {noOriginal}"
            : asksForAccuracy && !data!.HasLabels && !IsLikeness(metric)
                ? $"the data has no labels{(result?.AccuracyDrop is { } built ? $", and the build measured {built.Metric}" : "")}; add labels, or name what needs none and compares with the original (--metric Cosine, Agreement or SignalToNoise)"
            : null;
    }

    private static bool IsLikeness(Metric metric) => metric is Metric.Agreement or Metric.Cosine or Metric.SignalToNoise;

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
