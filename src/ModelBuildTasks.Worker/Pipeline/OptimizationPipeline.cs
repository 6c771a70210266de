using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Measuring;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Reporting;
using ModelBuildTasks.Worker.Searching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// One request from model to judged artifact: load → simplify → prune → quantize or convert → verify → measure → judge → store.
/// The artifact and then the result are written last, each whole; until then whatever the last build made stays as it was.
/// </summary>
/// <param name="progress">Told what is being done.</param>
/// <param name="largestFile">What one file of an artifact holds.</param>
/// <param name="methods">What trains; null for this package's own.</param>
internal sealed class OptimizationPipeline(IProgress<PipelineProgress> progress, long largestFile = Model.LargestFile, TrainingMethods? methods = null)
{
    /// <summary>Timers take no more (49.7 days); a longer limit is none, and so is 0.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary>Carries the request out. Whatever is wrong with the model, the data or the disk becomes a diagnostic of the result.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled by the caller, not by the request's own time limit.</exception>
    internal OptimizationResult Run(OptimizationRequest request, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // A search and training end by themselves, with the best that they have found.
        bool endsItself = (request.Settings.LeavesChoice && request.Locked is null) || request.Settings.FineTune != FineTune.None;
        if (!endsItself && request.TimeoutSeconds is { } seconds && seconds > 0 && seconds < LongestTimer.TotalSeconds)
        {
            limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        }

        try
        {
            return Optimize(request, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Failure(request, Diagnostic.Create(DiagnosticCatalogue.TimedOut, request.ModelPath, Quantity.Duration(TimeSpan.FromSeconds(request.TimeoutSeconds!.Value))));
        }
        catch (ModelFormatException fault)
        {
            return Failure(request, FaultDiagnostics.Of(fault, request.ModelPath));
        }
        catch (InferenceException fault)
        {
            return Failure(request, FaultDiagnostics.Of(fault, request.ModelPath));
        }
        catch (UnconvertibleException fault)
        {
            return Failure(request, Diagnostic.Create(DiagnosticCatalogue.NoOrtFormat, request.ModelPath, FaultDiagnostics.Reason(fault.Message)));
        }
        catch (UnfitForRuntimeException fault)
        {
            return Failure(request, Diagnostic.Create(DiagnosticCatalogue.NeedsNewerRuntime, request.ModelPath, request.Runtime!, fault.Message));
        }
        catch (UnknownLayerException fault)
        {
            return Failure(request, FaultDiagnostics.Of(fault, request.ModelPath));
        }
        catch (OtherModelException fault)
        {
            return Failure(request, fault.Diagnostic);
        }
        catch (UnusableWeightsException fault)
        {
            return Failure(request, Diagnostic.Create(DiagnosticCatalogue.TrainedWeightsUnusable, request.ModelPath, fault.Path, fault.Reason));
        }
        catch (DatasetException fault)
        {
            return Failure(request, FaultDiagnostics.Of(fault));
        }
        catch (MetricException fault)
        {
            return Failure(request, FaultDiagnostics.Of(fault, request.Settings.Metric, request.EvaluationData ?? request.CalibrationData!));
        }
        catch (UndefinedOutputException fault)
        {
            return Failure(request, FaultDiagnostics.Of(fault, request.ModelPath, request.EvaluationData ?? request.CalibrationData!));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return Failure(request, FaultDiagnostics.CannotWrite(fault, request.OutputPath));
        }
    }

    private OptimizationResult Optimize(OptimizationRequest request, CancellationToken cancellation)
    {
        if (!File.Exists(request.ModelPath))
        {
            return Failure(request, Diagnostic.Create(DiagnosticCatalogue.ModelNotFound, request.ModelPath, request.ModelPath));
        }

        if (TargetProfiles.Find(request.Target) is not { } profile)
        {
            return Failure(request, Diagnostic.Create(DiagnosticCatalogue.UnknownValue, request.ModelPath, MetadataNames.Targets, request.Target, string.Join(", ", TargetNames.ByPreference)));
        }

        if ((Overwritten(request) ?? Contradictions.OfTarget(request.Settings, request.Target)) is { } contradiction)
        {
            return Failure(request, Diagnostic.Create(DiagnosticCatalogue.ContradictorySettings, request.ModelPath, contradiction));
        }

        if (RequestInputs.Missing(request).FirstOrDefault() is { Path: not null } missing)
        {
            return Failure(request, Diagnostic.Create(DiagnosticCatalogue.DataNotFound, request.ModelPath, missing.Metadata, missing.Path));
        }

        try
        {
            CompleteInputs(request, cancellation);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return Failure(request, Diagnostic.Create(DiagnosticCatalogue.InputUnreadable, request.ModelPath, request.Name, fault.Message));
        }

        TargetProfile target = ShippedForm.Profile(request, profile);
        RemoteCache? remote = RemoteCache.At(request.RemoteCache);
        ArtifactCache cache = new(request.CacheDirectory ?? ArtifactStore.DefaultDirectory);
        string key = RequestKey.OfArtifact(request);
        string staged = $"{request.OutputPath}.{Guid.NewGuid():N}.staged";
        using ShippedForm shipped = new(request, staged, largestFile);
        string compressed = $"{request.OutputPath}.{Guid.NewGuid():N}.staged";
        Directory.CreateDirectory(Path.GetDirectoryName(request.OutputPath)!);
        using IDisposable? exclusive = cache.Lock(key, cancellation);
        try
        {
            bool fromCache = true;
            Outcome outcome = TryRestore(cache, key, shipped) ?? Make(request, target, new Caches(key, cache, remote), shipped, out fromCache, cancellation);
            try
            {
                new TrainedModels(cache, request).Publish(outcome.Recipe?.TrainedWeights ?? []);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return Failure(request, FaultDiagnostics.CannotWrite(fault, request.TrainedWeightsDirectory!));
            }

            MemoryStage memory = new(request, target, progress, cancellation);
            string form = shipped.Make();
            bool hadMemory = outcome.Memory is not null;
            outcome = memory.Complete(outcome, form);
            bool isFinal = IsFinal(request, outcome) && !memory.MayBeRepeated;
            if (isFinal && !hadMemory && outcome.Memory is not null)
            {
                Keep(request, key, cache, staged, outcome);
            }

            Outcome formed = shipped.Describe(outcome);
            if (request.Compress && formed.ExternalData is not null)
            {
                return Failure(request, Diagnostic.Create(DiagnosticCatalogue.NotEmbeddable, request.ModelPath, request.Name, request.Target, $"it has {Quantities.Number(formed.ArtifactBytes)} bytes, and one file can hold 2 GB"));
            }

            DeviceEvidence device = DeviceEvidence.For(request, formed, target);
            string output = request.Compress ? compressed : form;
            if (request.Compress)
            {
                CompressedModel.Write(form, formed.ArtifactSha256, compressed, progress, cancellation);
            }

            OptimizationResult result = ResultContract.Of(request, formed, output, fromCache, device, memory.Reason);
            result.RequiredOperators = shipped.RequiredOperators();
            AddCompressedBytes(request, result, shipped.Files(), cancellation);
            if (isFinal)
            {
                cache.Store(request, result, output);
            }

            if (remote is not null && remote.TryTakeWarning(request.ModelPath, out Diagnostic? warning))
            {
                result.Diagnostics.Add(warning);
            }

            RequiredOperators.Write(request.OutputPath, result.RequiredOperators);
            File.Move(output, request.OutputPath, overwrite: true);
            shipped.KeepData();
            return result;
        }
        finally
        {
            File.Delete(staged);
            File.Delete(compressed);
        }
    }

    private static Outcome? TryRestore(ArtifactCache cache, string key, ShippedForm shipped) =>
        cache.TryRestore(key, shipped.ArtifactPath) is { } outcome ? shipped.Take(outcome) : null;

    /// <summary>What compressing makes of the source model and of an artifact that does not ship compressed, where it was asked for or where pruning has made it worth knowing.</summary>
    private void AddCompressedBytes(OptimizationRequest request, OptimizationResult result, IReadOnlyList<string> artifact, CancellationToken cancellation)
    {
        if (!request.Compress && request.Settings.Pruning == Pruning.None)
        {
            return;
        }

        progress.Report(new PipelineProgress("measuring compressed sizes", 0));
        string[] source = [.. RequestInputs.Models(request.ModelPath).Select(input => input.Path)];
        result.Original!.CompressedBytes = CompressedModel.Measure(source, isForShipping: false, cancellation);
        result.Optimized!.CompressedBytes ??= CompressedModel.Measure(artifact, isForShipping: false, cancellation);
    }

    /// <summary>The artifact from a remote cache, else by the search; kept in both caches.</summary>
    private Outcome Make(OptimizationRequest request, TargetProfile target, Caches caches, ShippedForm shipped, out bool fromCache, CancellationToken cancellation)
    {
        progress.Report(new PipelineProgress("loading", 0));
        using SourceModel source = SourceModel.Load(request.ModelPath);
        source.Student = request.Student is { } studentPath ? OtherModel.Load(MetadataNames.Student, studentPath, source) : null;
        using SourceModel? teacher = request.Teacher is { } teacherPath ? OtherModel.Load(MetadataNames.Teacher, teacherPath, source) : null;
        if (ExcludedLayers.Unmatched(request.Settings.PruningExclude, source.Start.Model, EditDistance.Between).FirstOrDefault() is { Pattern: not null } unknown)
        {
            throw new UnknownLayerException(unknown.Pattern, unknown.Nearest);
        }

        IReadOnlyList<TensorSignature> inputs = source.Session.Inputs;
        DataSurvey? calibrationSurvey = request.CalibrationData is { } calibrationPath ? new DataSurvey(Dataset.Open(calibrationPath, inputs), inputs) : null;
        DataSurvey? evaluationSurvey = request.EvaluationData is { } evaluationPath ? new DataSurvey(Dataset.Open(evaluationPath, inputs), []) : null;
        DataSurvey? trainingSurvey = request.TrainingData is { } trainingPath ? new DataSurvey(Dataset.Open(trainingPath, inputs), []) : null;
        Dataset? given = calibrationSurvey?.Data;
        Dataset? calibration = given?.WhereFinite();
        Dataset? evaluation = evaluationSurvey?.Data;
        RemoteArtifact? elsewhere = caches.Remote is { } remote ? new RemoteArtifact(remote, request, source, target, evaluation ?? calibration, progress, cancellation) : null;
        Outcome? downloaded = elsewhere?.TryDownload(caches.Key, shipped);
        fromCache = downloaded is not null;
        if (downloaded is not null)
        {
            downloaded = DataFindings.Add(downloaded, calibrationSurvey, evaluationSurvey, trainingSurvey, source.Session, cancellation);
            if (IsFinal(request, downloaded))
            {
                Keep(request, caches.Key, caches.Local, shipped.ArtifactPath, downloaded);
            }

            return downloaded;
        }

        Recovery? recovery = Recovery.For(request, source, teacher, trainingSurvey?.Data, calibration, evaluation, caches.Local, RequestKey.OfTraining(request), methods ?? TrainingMethods.Own);
        Outcome outcome = new CandidateSearch(request, source, target, calibration, evaluation, progress, cancellation) { Cache = caches.Local, Recovery = recovery }
            .Run(RecipeBook.For(request.Settings, target, calibration is not null, evaluation is not null, source.Start.Model, recovery), shipped) with { Model = request.Name, Target = request.Target };
        if (recovery is not null && Recovery.Unmet(request.Settings, outcome.Steps) is { } unmet)
        {
            outcome = outcome with { Notes = [.. outcome.Notes, unmet] };
        }

        if (outcome.Latency is not null)
        {
            // After the timing, which it would disturb.
            progress.Report(new PipelineProgress("profiling", 0));
            outcome = outcome with { Profile = SlowestOperators.Of(source.RunnablePath, shipped.Make(), TrialInputs.For(source.Session, evaluation ?? calibration)[0], new SessionSettings(), cancellation) };
        }

        if (calibration is not null && calibration.Count < given!.Count)
        {
            outcome = outcome with { Notes = [.. outcome.Notes, Note.Of(DiagnosticCatalogue.SamplesLeftOut, $"{given.Count - calibration.Count}", $"{given.Count}", MetadataNames.CalibrationData)] };
        }

        if (recovery?.LeftOut is { } leftOut)
        {
            outcome = outcome with { Notes = [.. outcome.Notes, leftOut] };
        }

        outcome = DataFindings.Add(outcome, calibrationSurvey, evaluationSurvey, trainingSurvey, source.Session, cancellation);
        if (IsFinal(request, outcome))
        {
            Keep(request, caches.Key, caches.Local, shipped.ArtifactPath, outcome);
            elsewhere?.Upload([.. Known(request, caches.Key, outcome)], shipped);
        }

        return outcome;
    }

    private static void Keep(OptimizationRequest request, string key, ArtifactCache cache, string artifactPath, Outcome outcome)
    {
        foreach ((string known, Outcome told) in Known(request, key, outcome))
        {
            cache.Store(known, artifactPath, told);
        }
    }

    /// <summary>
    /// An outcome as the same request knows it, and as builds do whose lock file has what came of it. Where a search was cut short, another may find more; and where weights that are locked were missed, they may be found.
    /// </summary>
    private static IEnumerable<(string Key, Outcome Outcome)> Known(OptimizationRequest request, string key, Outcome outcome)
    {
        if (outcome.Search is not { IsCutShort: true } && request.Locked?.IsTrainedOtherwise(outcome.Recipe) != true)
        {
            yield return (key, outcome);
        }

        if (outcome.Recipe is { } recipe && RequestKey.OfArtifact(request, recipe) is var pinned && pinned != key)
        {
            yield return (pinned, SearchOutcome.WithoutSearch(outcome));
        }
    }

    /// <summary>Whether the outcome is what the same request would have had at any other time.</summary>
    private static bool IsFinal(OptimizationRequest request, Outcome outcome) => outcome.LatencyReason != Comparison.MachineIsBusy && outcome.Untried is null && RequestInputs.AreUnchanged(request);

    /// <summary>A build digests the inputs when it writes the request; a request from the command line has none yet.</summary>
    private void CompleteInputs(OptimizationRequest request, CancellationToken cancellation)
    {
        if (request.Inputs.Count > 0)
        {
            return;
        }

        progress.Report(new PipelineProgress("reading the inputs", 0));
        request.Worker = WorkerDigest.Of(AppContext.BaseDirectory);
        foreach (InputDigest input in RequestInputs.Digest(request, () => cancellation.IsCancellationRequested))
        {
            request.Inputs.Add(input);
        }
    }

    /// <summary>The input that writing the artifact would destroy, as a clause; null when there is none.</summary>
    private static string? Overwritten(OptimizationRequest request)
    {
        // On a file system that tells "m.onnx" from "M.onnx" this refuses a little too much; on the others it saves the model.
        bool IsOutput(string? path) => string.Equals(path, request.OutputPath, StringComparison.OrdinalIgnoreCase);
        return IsOutput(request.ModelPath) ? "the output is the model itself, which is never changed"
            : RequestInputs.DataSets(request).Any(data => IsOutput(data.Path)) ? "the output is a data set, which is never changed"
            : RequestInputs.OtherModels(request).Any(model => IsOutput(model.Path)) ? "the output is the teacher or the student, which are never changed"
            : null;
    }

    private static OptimizationResult Failure(OptimizationRequest request, Diagnostic diagnostic)
    {
        OptimizationResult result = new() { Model = request.ModelPath, Target = request.Target };
        result.Diagnostics.Add(diagnostic);
        return result;
    }

    private readonly record struct Caches(string Key, ArtifactCache Local, RemoteCache? Remote);
}
