using System.Text.Json;
using System.Text.RegularExpressions;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// An artifact from a remote cache, believed no more than a candidate of <c>Auto</c>. Hashes only prove that it is what the server meant to
/// send; so it is loaded, compared with the source model, and its accuracy is measured here. What would not be accepted is not uploaded either.
/// </summary>
internal sealed partial class RemoteArtifact(
    RemoteCache remote, OptimizationRequest request, SourceModel source, TargetProfile target, Dataset? data, IProgress<PipelineProgress> progress, CancellationToken cancellation)
{
    /// <summary>What a model made elsewhere may be said to have gone through.</summary>
    private static readonly DiagnosticDescriptor[] NotesOfOptimization =
    [
        DiagnosticCatalogue.PassedThrough, DiagnosticCatalogue.FellBack, DiagnosticCatalogue.StepDidNotApply, DiagnosticCatalogue.ObeyedAtALoss, DiagnosticCatalogue.NothingKeepsTheBudgets, DiagnosticCatalogue.SamplesLeftOut,
        DiagnosticCatalogue.SharedSamples, DiagnosticCatalogue.LabelProblem, DiagnosticCatalogue.IntegersNotTaken,
    ];

    private readonly Comparison comparison = new(source, target, request, data, progress, cancellation);

    /// <summary>Something to compare the two models on.</summary>
    private readonly Lazy<bool> isComparable = new(() => source.Opaque is null && (data is not null || TrialInputs.For(source.Session, null).Count > 0));

    /// <summary>The outcome of <paramref name="key"/>, its artifact where <paramref name="shipped"/> has it; null when there is none that may be used.</summary>
    internal Outcome? TryDownload(string key, ShippedForm shipped)
    {
        if (!isComparable.Value)
        {
            return null;
        }

        progress.Report(new PipelineProgress("asking the remote cache", 0));
        if (remote.TryDownload(key, shipped.ArtifactPath, cancellation) is not { } claimed)
        {
            return null;
        }

        if (Check(shipped, claimed, out Outcome? proven) is { } refusal)
        {
            remote.Fail(new RemoteCacheException($"it sent an artifact that was not taken: {refusal}", isUnusable: false));
            return null;
        }

        // A build fails for what was measured here, never on a server's word.
        // Compressing takes seconds for each MB, and only a size budget asks for it here.
        bool isCompressedJudged = request.Compress && request.Budgets is not { MaxSizeBytes: null, MaxSizeRatio: null };
        Outcome formed = shipped.Describe(proven!);
        long bytes = isCompressedJudged ? CompressedModel.Measure([shipped.Make()], isForShipping: true, cancellation) : formed.ArtifactBytes;
        // Memory is measured once the artifact is taken; a measurement that is refused is not the server's fault.
        DeviceEvidence device = DeviceEvidence.For(request, formed, target) with { Refusals = [] };
        BudgetVerdict[] verdicts = [.. BudgetDiagnostics.Judge(request, formed, bytes, device, memoryReason: null).Where(verdict => verdict.Kind != BudgetKind.MaxMemory)];
        return BudgetDiagnostics.Of(request, formed, bytes, verdicts, device).Any(finding => finding.Severity == DiagnosticSeverity.Error) ? null : proven;
    }

    /// <param name="known">What is known of the one artifact, by each of its keys.</param>
    /// <param name="shipped">Where it lies.</param>
    internal void Upload(IReadOnlyList<(string Key, Outcome Outcome)> known, ShippedForm shipped)
    {
        if (known.Count > 0 && isComparable.Value && Check(shipped, known[0].Outcome, out Outcome? proven) is null && proven!.Untried is null)
        {
            progress.Report(new PipelineProgress("uploading to the remote cache", 0));
            remote.Upload(known, shipped.ArtifactPath, cancellation);
        }
    }

    /// <returns>Why the artifact must not be used, as a clause; null when it may.</returns>
    private string? Check(ShippedForm shipped, Outcome claimed, out Outcome? proven)
    {
        proven = null;
        string path = shipped.ArtifactPath;
        if (claimed.ExternalData is not null)
        {
            return "it is two files";
        }

        if (claimed.OriginalBytes != source.Bytes || claimed.ArtifactBytes != new FileInfo(path).Length || claimed.ArtifactSha256 != ContentDigest.OfFile(path) || !IsPlausible(claimed))
        {
            return "its description is of something else";
        }

        try
        {
            Model artifact = Model.Load(path);
            if (artifact.ExternalDataFiles.Count > 0)
            {
                return "it refers to other files";
            }

            if (claimed.ArtifactSha256 != RequestInputs.DigestOfModel(request.Inputs) && !Provenance.MayBeOf(artifact, request, claimed.Steps))
            {
                return "its metadata tells of another origin";
            }

            ComparisonResult result = comparison.Of(shipped, Proof.Value, measuresLatency: false);
            proven = claimed with { Accuracy = result.Accuracy, DrawnCosine = result.DrawnCosine, Memory = null, Untried = result.Untried };
            return result.Refusal;
        }
        catch (Exception fault) when (fault is ModelFormatException or InferenceException or MetricException)
        {
            return FaultDiagnostics.Clause(fault.Message);
        }
    }

    /// <summary>Whether an outcome can be shown: nothing in a list is missing, no text has control characters for a terminal, and each note has what its message asks for.</summary>
    private static bool IsPlausible(Outcome claimed)
    {
        using JsonDocument description = JsonDocument.Parse(ArtifactCache.Describe(claimed));
        return IsShowable(description.RootElement) &&
            claimed.Notes.All(note => NotesOfOptimization.FirstOrDefault(known => known.Code == note.Code) is { } descriptor &&
                // Every message begins with the model's name and the target.
                Placeholder().Matches(descriptor.MessageFormat).Select(match => match.Value).Distinct().Count() == note.Arguments.Count + 2) &&
            (claimed.Latency is not { } latency || (latency.OriginalMilliseconds.Value > 0 && latency.OptimizedMilliseconds.Value > 0 && latency.Ratio.Low > 0 && latency.Ratio.High >= latency.Ratio.Low));
    }

    private static bool IsShowable(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().All(member => IsShowable(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().All(item => item.ValueKind != JsonValueKind.Null && IsShowable(item)),
        JsonValueKind.String => element.GetString()!.All(letter => !char.IsControl(letter) || letter is '\n' or '\r' or '\t'),
        _ => true,
    };

    [GeneratedRegex(@"\{\d\}")]
    private static partial Regex Placeholder();
}
