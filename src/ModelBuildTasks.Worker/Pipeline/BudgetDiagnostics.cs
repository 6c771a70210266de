using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>Verdicts on budgets, and what could not be judged, as coded diagnostics.</summary>
internal static class BudgetDiagnostics
{
    /// <summary>What two equal models may seem to differ by.</summary>
    private const double MostOfOriginalTime = 1.02;

    /// <param name="request">What was asked for.</param>
    /// <param name="outcome">What came of it.</param>
    /// <param name="shippedBytes">What the app will carry: the compressed artifact where there is one.</param>
    /// <param name="device">What another device measured, where this machine did not.</param>
    /// <param name="memoryReason">Why memory was not measured; null when it was.</param>
    internal static IReadOnlyList<BudgetVerdict> Judge(OptimizationRequest request, Outcome outcome, long shippedBytes, DeviceEvidence device, string? memoryReason)
    {
        BudgetLimits limits = new()
        {
            MinAccuracy = request.Budgets.MinAccuracy,
            MaxAccuracyDrop = request.Budgets.MaxAccuracyDrop,
            MaxClassAccuracyDrop = request.Budgets.MaxClassAccuracyDrop,
            MaxLatencyMilliseconds = request.Budgets.MaxLatencyMilliseconds,
            MaxLatencyProcessor = OtherProcessor(request, outcome, device),
            MaxLatencyRatio = request.Budgets.MaxLatencyRatio,
            MaxSizeBytes = request.Budgets.MaxSizeBytes,
            MaxSizeRatio = request.Budgets.MaxSizeRatio,
            MaxMemoryBytes = request.Budgets.MaxMemoryBytes,
        };
        BudgetMeasurements measured = new()
        {
            Accuracy = outcome.Accuracy,
            Latency = outcome.Latency,
            DeviceLatency = device.Latency,
            LatencyReason = outcome.LatencyReason,
            OriginalBytes = outcome.OriginalBytes,
            OptimizedBytes = shippedBytes,
            PeakMemoryBytes = outcome.Memory?.Optimized ?? device.Measurement?.PeakMemory,
            MemoryBasis = outcome.Memory is null && device.Measurement is { } elsewhere ? DeviceEvidence.Place(elsewhere) : null,
            MemoryReason = memoryReason,
        };
        return BudgetJudge.Judge(limits, measured);
    }

    /// <param name="request">What was asked for.</param>
    /// <param name="outcome">What came of it.</param>
    /// <param name="shippedBytes">What the app will carry.</param>
    /// <param name="verdicts">What <see cref="Judge"/> said of it.</param>
    /// <param name="device">What another device measured, where this machine did not.</param>
    internal static IEnumerable<Diagnostic> Of(OptimizationRequest request, Outcome outcome, long shippedBytes, IReadOnlyList<BudgetVerdict> verdicts, DeviceEvidence device)
    {
        foreach (Diagnostic refusal in device.Refusals)
        {
            yield return refusal;
        }

        if (request.EvaluationData is null)
        {
            yield return Diagnostic.Create(DiagnosticCatalogue.AccuracyNotMeasured, request.ModelPath, request.Name, request.Target, JudgedBy(outcome));
        }

        if (outcome.Untried is { } untried)
        {
            yield return Diagnostic.Create(DiagnosticCatalogue.NotTriedInRuntime, request.ModelPath, request.Name, request.Target, request.Runtime!, untried);
        }

        // Where a size is allowed, the budgets judge it. The original model, with data that was beside it inside, may have a few bytes more.
        if (shippedBytes > outcome.OriginalBytes && request.Budgets is { MaxSizeBytes: null, MaxSizeRatio: null } && outcome.Steps.Any(step => step.Applied))
        {
            yield return Diagnostic.Create(
                DiagnosticCatalogue.LargerThanOriginal, request.ModelPath, request.Name, request.Target, Quantities.Number(shippedBytes), Quantities.Number(outcome.OriginalBytes));
        }

        // What a search chose for another objective is as slow as that takes. What the lock file has is made again whatever its time today; what got clearly slower than it says is MBT2006.
        if (request.Locked is null && outcome.Search is null && outcome.Latency is { Ratio: { Low: > MostOfOriginalTime } ratio } && request.Budgets is { MaxLatencyMilliseconds: null, MaxLatencyRatio: null } && outcome.Steps.Any(step => step.Applied))
        {
            yield return Diagnostic.Create(
                DiagnosticCatalogue.SlowerThanOriginal, request.ModelPath, request.Name, request.Target,
                string.Create(CultureInfo.InvariantCulture, $"{ratio.Value:0.00} times"), string.Create(CultureInfo.InvariantCulture, $"{ratio.Low:0.00} to {ratio.High:0.00}"));
        }

        if (outcome.Accuracy is { } accuracy && (request.EvaluationData ?? request.CalibrationData) is { } data)
        {
            foreach (Diagnostic diagnostic in FaultDiagnostics.Of(accuracy, request.ModelPath, data))
            {
                yield return diagnostic;
            }
        }

        BudgetKind[] alike = [.. verdicts.Where(verdict => verdict is { Kind: BudgetKind.MinAccuracy or BudgetKind.MaxAccuracyDrop, Measured: not null }).Select(verdict => verdict.Kind)];
        if (request.Settings.Metric == Contracts.Metric.Auto && outcome.Accuracy?.Metric == MetricKind.Cosine && alike.Length > 0)
        {
            yield return Diagnostic.Create(DiagnosticCatalogue.JudgedByLikeness, request.ModelPath, request.Name, request.Target, string.Join(" and ", alike));
        }

        // Two latency budgets that were not measured are one finding.
        foreach (Diagnostic diagnostic in verdicts.Select(verdict => DiagnosticOf(request, outcome, verdict, device)).OfType<Diagnostic>().DistinctBy(diagnostic => diagnostic.Message))
        {
            yield return diagnostic;
        }
    }

    /// <summary>The verdict as the result file has it.</summary>
    internal static JudgedBudget Contract(BudgetVerdict verdict) => new()
    {
        Name = verdict.Kind.ToString(),
        Allowed = verdict.Allowed,
        Value = verdict.Measured?.Value,
        Low = verdict.Measured?.Low,
        High = verdict.Measured?.High,
        Verdict = Enum.Parse<Verdict>(verdict.Outcome.ToString()),
        Sentence = verdict.Sentence,
    };

    /// <summary>What stands in for accuracy where there is no evaluation data, as a clause. Calibration samples are what ranges were fitted to: likeness on them is told, and is no accuracy.</summary>
    private static string JudgedBy(Outcome outcome) => outcome switch
    {
        _ when outcome.Steps.All(step => step.IsLossless || !step.Applied) => "nothing was changed that could lose any",
        { Accuracy: { } accuracy } => Alike(accuracy.WorstCosine, $"{Quantities.Count(accuracy.Samples, "sample", "samples")} of CalibrationData"),
        { DrawnCosine: { } cosine } => Alike(cosine, "one input that was drawn, which says little of real ones"),
        _ => "the artifact's outputs could not be compared with the original's on a drawn input either",
    };

    /// <summary>Towards 0, so that 1 is not said of what is not quite alike.</summary>
    private static string Alike(double cosine, string where) =>
        string.Create(CultureInfo.InvariantCulture, $"the artifact's outputs have a cosine similarity of {Math.Round(cosine, 5, MidpointRounding.ToZero):0.#####} with the original's on {where}");

    /// <summary>The processor that MaxLatency is tied to, where latency was measured on another; null where it holds.</summary>
    private static string? OtherProcessor(OptimizationRequest request, Outcome outcome, DeviceEvidence device) =>
        request.Budgets.MaxLatencyProcessor is { } setOn && !ProcessorName.AreSame(setOn, outcome.Latency?.Processor ?? device.Measurement?.Device.Processor) ? setOn : null;

    private static Diagnostic? DiagnosticOf(OptimizationRequest request, Outcome outcome, BudgetVerdict verdict, DeviceEvidence device)
    {
        string sentence = FaultDiagnostics.Clause(verdict.Sentence);
        string? latencyReason = verdict.Kind is BudgetKind.MaxLatency or BudgetKind.MaxLatencyRatio && device.Measurement is null ? outcome.LatencyReason : null;
        bool isTiedElsewhere = verdict is { Kind: BudgetKind.MaxLatency, Outcome: BudgetOutcome.Undecided } && OtherProcessor(request, outcome, device) is not null;
        switch (verdict.Outcome)
        {
            case BudgetOutcome.Failed:
                string bound = request.Locked is not null && request.Settings.LeavesChoice ? $"{sentence}. The lock file's recipe was made again; -t:UpdateModelLock searches for one that keeps the budgets" : sentence;
                return Diagnostic.Create(DescriptorOf(verdict.Kind), request.ModelPath, request.Name, request.Target, bound);
            case BudgetOutcome.Undecided when isTiedElsewhere && request.Measurement == Measurement.Require:
                return Diagnostic.Create(DiagnosticCatalogue.BudgetNotMeasured, request.ModelPath, request.Name, request.Target, verdict.Kind, sentence);
            case BudgetOutcome.Undecided when isTiedElsewhere:
                return Diagnostic.Create(DiagnosticCatalogue.LatencyOfAnotherProcessor, request.ModelPath, request.Name, request.Target, sentence);
            case BudgetOutcome.NotMeasured when request.Measurement == Measurement.Require:
                return Diagnostic.Create(DiagnosticCatalogue.BudgetNotMeasured, request.ModelPath, request.Name, request.Target, verdict.Kind, latencyReason ?? verdict.Reason!);
            case BudgetOutcome.NotMeasured when latencyReason is { } reason:
                return Diagnostic.Create(DiagnosticCatalogue.LatencyNotMeasured, request.ModelPath, request.Name, request.Target, reason);
            case BudgetOutcome.Undecided or BudgetOutcome.NotMeasured:
                return Diagnostic.Create(DiagnosticCatalogue.BudgetUndecided, request.ModelPath, verdict.Kind, Written(verdict), verdict.Reason ?? sentence);
            default:
                return null;
        }
    }

    /// <summary>The limit as a project writes it.</summary>
    private static string Written(BudgetVerdict verdict) => verdict.Kind switch
    {
        BudgetKind.MaxSize or BudgetKind.MaxMemory => Quantity.Size((long)verdict.Allowed),
        BudgetKind.MaxLatency => string.Create(CultureInfo.InvariantCulture, $"{verdict.Allowed}ms"),
        _ => verdict.Allowed.ToString(CultureInfo.InvariantCulture),
    };

    internal static DiagnosticDescriptor DescriptorOf(BudgetKind kind) => kind switch
    {
        BudgetKind.MinAccuracy or BudgetKind.MaxAccuracyDrop => DiagnosticCatalogue.AccuracyBudget,
        BudgetKind.MaxClassAccuracyDrop => DiagnosticCatalogue.ClassAccuracyBudget,
        BudgetKind.MaxLatency or BudgetKind.MaxLatencyRatio => DiagnosticCatalogue.LatencyBudget,
        BudgetKind.MaxSize or BudgetKind.MaxSizeRatio => DiagnosticCatalogue.SizeBudget,
        _ => DiagnosticCatalogue.MemoryBudget,
    };
}
