using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>Verdicts and what they judge, in words and in the unit that the project writes.</summary>
internal static class VerdictText
{
    internal static string Word(Verdict verdict) => verdict switch
    {
        Verdict.Passed => "passed",
        Verdict.Failed => "failed",
        Verdict.Undecided => "undecided",
        _ => "not measured",
    };

    /// <summary>A sign for each verdict, so that none is told by its color alone.</summary>
    internal static string Sign(Verdict verdict) => verdict switch
    {
        Verdict.Passed => "✓",
        Verdict.Failed => "✗",
        Verdict.Undecided => "?",
        _ => "–",
    };

    internal static string Allowed(JudgedBudget budget) => $"{(budget.Name == nameof(BudgetKind.MinAccuracy) ? "≥" : "≤")} {Quantity(budget.Name, budget.Allowed, "0.######")}";

    internal static string Measured(JudgedBudget budget) => budget.Value is { } value ? Quantity(budget.Name, value, Digits(budget.Name)) : "";

    /// <summary>The interval; empty where the value is exact or was not measured.</summary>
    internal static string Interval(JudgedBudget budget) => budget is { Low: { } low, High: { } high } && low != high ? $"{Quantity(budget.Name, low, Digits(budget.Name)).TrimStart('×', ' ')} to {Quantity(budget.Name, high, Digits(budget.Name)).TrimStart('×', ' ')}" : "";

    /// <summary>Limits have the digits that are written, measurements as many as mean something.</summary>
    private static string Digits(string budget) => IsRatio(budget) || budget == nameof(BudgetKind.MaxLatency) ? "0.000" : "0.0000";

    private static bool IsRatio(string budget) => budget is nameof(BudgetKind.MaxSizeRatio) or nameof(BudgetKind.MaxLatencyRatio);

    private static string Quantity(string budget, double value, string digits) => budget switch
    {
        nameof(BudgetKind.MaxSize) or nameof(BudgetKind.MaxMemory) => $"{Quantities.Number((long)value)} bytes",
        nameof(BudgetKind.MaxLatency) => $"{value.ToString(digits, CultureInfo.InvariantCulture)} ms",
        _ => $"{(IsRatio(budget) ? "× " : "")}{value.ToString(digits, CultureInfo.InvariantCulture).Replace('-', '−')}",
    };
}
