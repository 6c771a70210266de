using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>What an evaluation on new data means for the limits that a user has set, as coded diagnostics.</summary>
internal static class EvaluationDiagnostics
{
    internal static IEnumerable<Diagnostic> Of(EvaluationRequest request, EvaluationFacts facts) =>
        (facts.Accuracy is { } accuracy ? OfAccuracy(request, facts, accuracy) : []).Concat(OfDrift(request, facts) is { } drift ? [drift] : []);

    internal static Diagnostic CannotStandIn(string artifact, string original, string difference) =>
        Diagnostic.Create(DiagnosticCatalogue.CannotRun, artifact, $"it cannot stand in for '{original}': {difference}");

    private static IEnumerable<Diagnostic> OfAccuracy(EvaluationRequest request, EvaluationFacts facts, AccuracyResult accuracy)
    {
        foreach (Diagnostic diagnostic in FaultDiagnostics.Of(accuracy, facts.Original ?? facts.File, facts.Data))
        {
            yield return diagnostic;
        }

        if (facts.Original is { } original && Verification.Check(accuracy) is { } breakage)
        {
            yield return CannotStandIn(facts.File, original, breakage);
        }

        BudgetLimits limits = new()
        {
            MinAccuracy = request.Budgets.MinAccuracy,
            MaxAccuracyDrop = request.Budgets.MaxAccuracyDrop,
            MaxClassAccuracyDrop = request.Budgets.MaxClassAccuracyDrop,
        };
        foreach (BudgetVerdict verdict in BudgetJudge.Judge(limits, new BudgetMeasurements { Accuracy = accuracy, HasOriginal = facts.Original is not null }))
        {
            string sentence = FaultDiagnostics.Clause(verdict.Sentence);
            switch (verdict.Outcome)
            {
                case BudgetOutcome.Failed:
                    yield return Diagnostic.Create(BudgetDiagnostics.DescriptorOf(verdict.Kind), facts.File, Path.GetFileName(facts.File), Path.GetFileName(facts.Data), sentence);
                    break;
                // Who asks for a limit here asks for an answer.
                case BudgetOutcome.NotMeasured:
                    yield return Unmeasured(facts.File, facts, sentence);
                    break;
                case BudgetOutcome.Undecided:
                    yield return Diagnostic.Create(DiagnosticCatalogue.BudgetUndecided, facts.File, verdict.Kind, verdict.Allowed.ToString(CultureInfo.InvariantCulture), sentence);
                    break;
            }
        }
    }

    private static Diagnostic? OfDrift(EvaluationRequest request, EvaluationFacts facts)
    {
        string? unmeasured = facts.DriftReason is { } reason ? $"drift was not measured, for {reason}"
            : facts.Drift.All(drift => drift.HasEnoughSamples) ? null
            : $"{facts.Samples} new samples and {facts.Drift[0].Then.Samples} at calibration are too few to tell drift from chance, for which {InputDrift.FewestSamples} of each are needed";
        if (unmeasured is not null)
        {
            return request.MaxDrift is null ? null : Unmeasured(facts.Data, facts, unmeasured);
        }

        double limit = request.MaxDrift ?? InputDrift.Significant;
        InputDrift[] drifted = [.. facts.Drift.Where(drift => drift.Exceeds(limit))];
        if (drifted.Length == 0)
        {
            return null;
        }

        InputDrift largest = drifted[0];
        string others = drifted.Length == 1 ? "" : $"; so have {drifted.Length - 1} more of the inputs' {(drifted.All(drift => drift.Then.IsColumn) ? "columns" : drifted.Any(drift => drift.Then.IsColumn) ? "columns and channels" : "channels")}";
        string clause = string.Create(CultureInfo.InvariantCulture,
            $"{largest.Then} has a stability index of {largest.StabilityIndex:0.000}, where {(request.MaxDrift is null ? $"{limit} is significant" : $"{limit} is allowed")} and chance gives {largest.Expected:0.000}: mean {largest.Then.Mean:g4} then and {largest.Mean:g4} now, deviation {largest.Then.Deviation:g4} and {largest.Deviation:g4}, {largest.Outside:0.0 %} outside what calibration saw{others}");
        return Diagnostic.Create(request.MaxDrift is null ? DiagnosticCatalogue.InputDrift : DiagnosticCatalogue.DriftLimit, facts.Data, facts.Data, clause);
    }

    private static Diagnostic Unmeasured(string place, EvaluationFacts facts, string reason) =>
        Diagnostic.Create(DiagnosticCatalogue.LimitNotMeasured, place, Path.GetFileName(facts.File), Path.GetFileName(facts.Data), reason);
}
