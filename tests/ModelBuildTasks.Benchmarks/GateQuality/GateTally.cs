using System.Globalization;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.Latency;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// What a latency gate says of measurements whose truth is known. Measuring does not know the budget, so each measurement is judged against four budgets, of which the true
/// ratio is <see cref="Within"/>, 1, <see cref="Beyond"/> and <see cref="Regression"/> times as large.
/// </summary>
/// <param name="name">Of the row.</param>
/// <param name="together">Gets all that this one gets; null for none.</param>
internal sealed class GateTally(string name, GateTally? together = null)
{
    private const double Within = 0.95;
    private const double Beyond = 1.05;
    private const double Regression = 1.10;
    private static readonly double[] RatiosToBudget = [Within, 1, Beyond, Regression];

    private readonly Dictionary<(double, BudgetOutcome), int> outcomes = [];
    private readonly Lock gate = new();
    private int trials;
    private int settled;

    internal void Add(LatencyResult measured, double trueRatio)
    {
        together?.Add(measured, trueRatio);
        lock (gate)
        {
            trials++;
            settled += measured.Settled ? 1 : 0;
            foreach (double share in RatiosToBudget)
            {
                BudgetLimits limits = new() { MaxLatencyRatio = trueRatio / share };
                BudgetOutcome outcome = BudgetJudge.Judge(limits, new BudgetMeasurements { Latency = measured })[0].Outcome;
                outcomes[(share, outcome)] = outcomes.GetValueOrDefault((share, outcome)) + 1;
            }
        }
    }

    internal static void PrintHeadings()
    {
        Console.WriteLine("| disturbed by | trials | settled | false failures, 5 % within | false failures, at the budget | missed, 5 % beyond | undecided, 5 % beyond | missed, 10 % beyond | undecided, 10 % beyond |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
    }

    internal void Print() => Console.WriteLine(
        $"| {name} | {trials} | {Share(settled)} | {Rate(Within, BudgetOutcome.Failed)} | {Rate(1, BudgetOutcome.Failed)} | {Rate(Beyond, BudgetOutcome.Passed)} | {Rate(Beyond, BudgetOutcome.Undecided)} | {Rate(Regression, BudgetOutcome.Passed)} | {Rate(Regression, BudgetOutcome.Undecided)} |");

    private string Rate(double share, BudgetOutcome outcome) => Share(outcomes.GetValueOrDefault((share, outcome)));

    /// <summary>A share with its 95 % interval (E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927).</summary>
    private string Share(int count)
    {
        const double z = 1.96;
        double share = (double)count / trials;
        double scale = 1 + z * z / trials;
        double middle = (share + z * z / (2 * trials)) / scale;
        double half = z * Math.Sqrt(share * (1 - share) / trials + z * z / (4.0 * trials * trials)) / scale;
        return string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} % [{100 * Math.Max(0, middle - half):0.0}, {100 * Math.Min(1, middle + half):0.0}]");
    }
}
