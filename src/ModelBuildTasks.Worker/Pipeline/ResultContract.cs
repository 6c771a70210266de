using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>What is known of an artifact as the result file carries it, with the verdicts of the budgets.</summary>
internal static class ResultContract
{
    /// <param name="request">What was asked for.</param>
    /// <param name="outcome">What came of it.</param>
    /// <param name="shipped">The file that ships: the artifact, or its compressed form.</param>
    /// <param name="fromCache">Whether it had been made before.</param>
    /// <param name="device">What another device measured, where this machine did not.</param>
    /// <param name="memoryReason">Why memory was not measured; null when it was.</param>
    internal static OptimizationResult Of(OptimizationRequest request, Outcome outcome, string shipped, bool fromCache, DeviceEvidence device, string? memoryReason)
    {
        long shippedBytes = request.Compress ? new FileInfo(shipped).Length : outcome.ArtifactBytes;
        OptimizationResult result = new()
        {
            Succeeded = true,
            Model = request.ModelPath,
            Target = request.Target,
            ArtifactPath = request.OutputPath,
            ArtifactSha256 = request.Compress ? ContentDigest.OfFile(shipped) : outcome.ArtifactSha256,
            ExternalData = outcome.ExternalData,
            IsCompressed = request.Compress,
            FromCache = fromCache,
            Original = new ModelFigures
            {
                Bytes = outcome.OriginalBytes,
                Multiplications = outcome.Multiplications?.Original,
                Accuracy = outcome.Accuracy?.Original.Value,
                LatencyMilliseconds = outcome.Latency?.OriginalMilliseconds.Value ?? (device.Ratio is null ? null : device.Measurement?.BaselineLatency?.Value),
                PeakMemoryBytes = outcome.Memory?.Original ?? (device.RatioReason is null ? device.Measurement?.BaselinePeakMemory : null),
            },
            Optimized = new ModelFigures
            {
                Bytes = outcome.ArtifactBytes,
                CompressedBytes = request.Compress ? shippedBytes : null,
                Multiplications = outcome.Multiplications?.Optimized,
                Accuracy = outcome.Accuracy?.Optimized.Value,
                LatencyMilliseconds = outcome.Latency?.OptimizedMilliseconds.Value ?? device.Measurement?.Latency?.Value,
                PeakMemoryBytes = outcome.Memory?.Optimized ?? device.Measurement?.PeakMemory,
            },
            AccuracyDrop = outcome.Accuracy is { Drop: { } drop } accuracy
                ? new AccuracyDrop { Value = drop.Value, Low = drop.Low, High = drop.High, Samples = accuracy.Samples, Metric = Enum.Parse<Contracts.Metric>(accuracy.Metric.ToString()) }
                : null,
            AccuracyDetails = outcome.Accuracy is { } measured ? AccuracyContract.Of(measured) : null,
            LatencyRatio = outcome.Latency is { } latency
                ? new LatencyRatio
                {
                    Value = latency.Ratio.Value, Low = latency.Ratio.Low, High = latency.Ratio.High, Pairs = latency.Pairs,
                    Measured = true, Processor = latency.Processor, Threads = latency.Threads,
                }
                : device.Contract(outcome.LatencyReason),
            Profile = outcome.Profile ?? device.Measurement?.Profile,
            Device = device.Measurement,
            Quantization = outcome.Quantization is { } plan ? PlanContract.Of(plan) : null,
            TriedQuantization = outcome.TriedQuantization is { } tried ? PlanContract.Of(tried) : null,
            Pinned = outcome.Recipe,
            Search = outcome.Search,
        };
        foreach (Step step in outcome.Steps)
        {
            result.Recipe.Add(new RecipeStep { Name = step.Name, Applied = step.Applied, Explanation = step.Explanation, Reasons = step.Reasons });
        }

        // The cache knows an artifact without the budgets that judge it.
        bool isAccuracyJudged = request.Budgets is not { MinAccuracy: null, MaxAccuracyDrop: null, MaxClassAccuracyDrop: null };
        // What would have to give comes behind the budgets that are broken.
        ILookup<bool, Diagnostic> notes = outcome.Notes.Where(note => !isAccuracyJudged || note.Code != DiagnosticCatalogue.ObeyedAtALoss.Code)
            .ToLookup(note => note.Code == DiagnosticCatalogue.NothingKeepsTheBudgets.Code, note => DiagnosticOf(note, request));
        foreach (Diagnostic note in notes[false])
        {
            result.Diagnostics.Add(note);
        }

        foreach (InputDistribution input in outcome.CalibratedInputs)
        {
            result.CalibratedInputs.Add(DistributionContract.Of(input));
        }

        IReadOnlyList<BudgetVerdict> verdicts = BudgetDiagnostics.Judge(request, outcome, shippedBytes, device, memoryReason);
        foreach (BudgetVerdict verdict in verdicts)
        {
            result.Budgets.Add(BudgetDiagnostics.Contract(verdict));
        }

        foreach (Diagnostic diagnostic in BudgetDiagnostics.Of(request, outcome, shippedBytes, verdicts, device).Concat(notes[true]))
        {
            result.Diagnostics.Add(diagnostic);
        }

        return result;
    }

    private static Diagnostic DiagnosticOf(Note note, OptimizationRequest request) =>
        Diagnostic.Create(DiagnosticCatalogue.All.Single(entry => entry.Code == note.Code), request.ModelPath, [request.Name, request.Target, .. note.Arguments]);
}
