using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;
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
    internal static IReadOnlyList<BudgetVerdict> Judge(OptimizationRequest request, Outcome outcome, long shippedBytes)
    {
        BudgetLimits limits = new()
        {
            MinAccuracy = request.Budgets.MinAccuracy,
            MaxAccuracyDrop = request.Budgets.MaxAccuracyDrop,
            MaxClassAccuracyDrop = request.Budgets.MaxClassAccuracyDrop,
            MaxLatencyMilliseconds = request.Budgets.MaxLatencyMilliseconds,
            MaxLatencyRatio = request.Budgets.MaxLatencyRatio,
            MaxSizeBytes = request.Budgets.MaxSizeBytes,
            MaxSizeRatio = request.Budgets.MaxSizeRatio,
            MaxMemoryBytes = request.Budgets.MaxMemoryBytes,
        };
        BudgetMeasurements measured = new()
        {
            Accuracy = outcome.Accuracy,
            Latency = outcome.Latency,
            LatencyReason = outcome.LatencyReason,
            OriginalBytes = outcome.OriginalBytes,
            OptimizedBytes = shippedBytes,
        };
        return BudgetJudge.Judge(limits, measured);
    }

    /// <param name="request">What was asked for.</param>
    /// <param name="outcome">What came of it.</param>
    /// <param name="shippedBytes">What the app will carry.</param>
    /// <param name="verdicts">What <see cref="Judge"/> said of it.</param>
    internal static IEnumerable<Diagnostic> Of(OptimizationRequest request, Outcome outcome, long shippedBytes, IReadOnlyList<BudgetVerdict> verdicts)
    {
        // Calibration samples are what the ranges were fitted to: likeness on them is shown, and is no accuracy.
        if (request.EvaluationData is null)
        {
            yield return Diagnostic.Create(DiagnosticCatalogue.AccuracyNotMeasured, request.ModelPath, request.Name, request.Target);
        }

        // Where a size is allowed, the budgets judge it. The original model, with data that was beside it inside, may have a few bytes more.
        if (shippedBytes > outcome.OriginalBytes && request.Budgets is { MaxSizeBytes: null, MaxSizeRatio: null } && outcome.Steps.Any(step => step.Applied))
        {
            yield return Diagnostic.Create(
                DiagnosticCatalogue.LargerThanOriginal, request.ModelPath, request.Name, request.Target, Quantities.Number(shippedBytes), Quantities.Number(outcome.OriginalBytes));
        }

        if (outcome.Latency is { Ratio: { Low: > MostOfOriginalTime } ratio } && request.Budgets is { MaxLatencyMilliseconds: null, MaxLatencyRatio: null } && outcome.Steps.Any(step => step.Applied))
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

        // Two latency budgets that were not measured are one finding.
        foreach (Diagnostic diagnostic in verdicts.Select(verdict => DiagnosticOf(request, outcome, verdict)).OfType<Diagnostic>().DistinctBy(diagnostic => diagnostic.Message))
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

    private static Diagnostic? DiagnosticOf(OptimizationRequest request, Outcome outcome, BudgetVerdict verdict)
    {
        string sentence = FaultDiagnostics.Clause(verdict.Sentence);
        switch (verdict.Outcome)
        {
            case BudgetOutcome.Failed:
                return Diagnostic.Create(DescriptorOf(verdict.Kind), request.ModelPath, request.Name, request.Target, sentence);
            case BudgetOutcome.NotMeasured when request.Measurement == Measurement.Require:
                return Diagnostic.Create(DiagnosticCatalogue.BudgetNotMeasured, request.ModelPath, request.Name, request.Target, verdict.Kind, outcome.LatencyReason ?? sentence);
            case BudgetOutcome.NotMeasured when outcome.LatencyReason is { } reason && verdict.Kind is BudgetKind.MaxLatency or BudgetKind.MaxLatencyRatio:
                return Diagnostic.Create(DiagnosticCatalogue.LatencyNotMeasured, request.ModelPath, request.Name, request.Target, reason);
            case BudgetOutcome.Undecided or BudgetOutcome.NotMeasured:
                return Diagnostic.Create(DiagnosticCatalogue.BudgetUndecided, request.ModelPath, verdict.Kind, verdict.Allowed.ToString(CultureInfo.InvariantCulture), sentence);
            default:
                return null;
        }
    }

    internal static DiagnosticDescriptor DescriptorOf(BudgetKind kind) => kind switch
    {
        BudgetKind.MinAccuracy or BudgetKind.MaxAccuracyDrop => DiagnosticCatalogue.AccuracyBudget,
        BudgetKind.MaxClassAccuracyDrop => DiagnosticCatalogue.ClassAccuracyBudget,
        BudgetKind.MaxLatency or BudgetKind.MaxLatencyRatio => DiagnosticCatalogue.LatencyBudget,
        BudgetKind.MaxSize or BudgetKind.MaxSizeRatio => DiagnosticCatalogue.SizeBudget,
        _ => DiagnosticCatalogue.MemoryBudget,
    };
}
