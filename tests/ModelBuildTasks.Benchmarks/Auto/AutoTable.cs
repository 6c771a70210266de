using System.CommandLine;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;

namespace ModelBuildTasks.Benchmarks;

/// <summary>What <c>Auto</c> finds with a budget of one point of Top1, judged by samples that no search saw, against the best fixed recipe that keeps the budget.</summary>
internal static class AutoTable
{
    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = "A part of the names of the models to measure.", DefaultValueFactory = _ => "" };
        Option<bool> quick = new("--quick") { Description = "Leave out some of the fixed recipes." };
        Option<bool> verbose = new("--verbose") { Description = "Also list every fixed recipe." };
        Option<bool> replay = new("--replay") { Description = "Measure instead what it takes to make again what the lock file has." };
        Option<int> rounds = new("--rounds") { Description = "Measurements of which the median is told.", DefaultValueFactory = _ => 3 };
        Command command = new("auto", "Auto against fixed recipes, on samples that no search saw.") { only, quick, verbose, replay, rounds };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"<!-- {ProcessorName.Current}, {Environment.ProcessorCount} cores, ONNX Runtime {ModelSession.RuntimeVersion} -->");
            LabelledPair[] pairs = [.. LabelledPair.All().Where(pair => pair.Name.Contains(parsed.GetRequiredValue(only), StringComparison.Ordinal))];
            if (parsed.GetValue(replay))
            {
                ReplayTable.Print(pairs, parsed.GetValue(rounds));
            }
            else
            {
                Print(pairs, parsed.GetValue(quick), parsed.GetValue(verbose), parsed.GetValue(rounds));
            }
        });
        return command;
    }

    private static void Print(LabelledPair[] pairs, bool isQuick, bool isVerbose, int rounds)
    {
        Console.WriteLine("| model | samples: calibration, search, held out | Top1 of the original, held out | drop on the search half, points | on the held-out half [95 %] | size | latency ratio to the original | best fixed recipe | its latency ratio | Auto over it | best that is safe on the search half | Auto over it | seconds of search | what was chosen |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        List<string> details = [];
        foreach (LabelledPair entry in pairs)
        {
            using PreparedPair pair = new(entry);
            Trial searched = pair.Make("Auto", PreparedPair.Auto);
            if (searched.Fault is { } fault)
            {
                Console.WriteLine($"| {pair.Name} | {fault} |");
                continue;
            }

            AutoComparison comparison = AutoComparison.Of(pair, searched, isQuick, rounds);
            Console.WriteLine(Row(pair, comparison));
            details.AddRange(["", $"{pair.Name}:", "", .. Details(comparison)]);
        }

        if (isVerbose)
        {
            details.ForEach(Console.WriteLine);
        }
    }

    private static string Row(PreparedPair pair, AutoComparison comparison)
    {
        Judged auto = comparison.Auto;
        string against = comparison is { Rivals: [var best, ..], BestRatio: { } ratio }
            ? $"{best.Recipes[0].Trial.Name} | {Ratio(ratio)} | {Against(best)}"
            : "none keeps the budget | – | –";
        string safe = comparison.SafeRivals is [var rival, ..] ? $"{rival.Recipes[0].Trial.Name} | {Against(rival)}" : "none | –";
        return FormattableString.Invariant(
            $"| {pair.Name} | {pair.Data.CalibrationCount:N0}, {pair.Data.SearchCount:N0}, {pair.Data.HeldOutCount:N0} | {pair.HeldOutAccuracy():0.0000} | {Points(auto.SearchDrop.Value)} | {Points(auto.HeldOutDrop)} | {auto.Trial.SizeRatio:0.000} | {Ratio(auto.Ratio)} | {against} | {safe} | {auto.Trial.Seconds:0.0} | {auto.Trial.Choice} |");
    }

    private static IEnumerable<string> Details(AutoComparison comparison)
    {
        yield return "| fixed recipe | keeps the budget | drop on the search half, points [95 %] | on the held-out half [95 %] | size | latency ratio to the original | Auto over it | seconds |";
        yield return "|---|---|---|---|---|---|---|---|";
        foreach (Judged recipe in comparison.Fixed.OrderBy(recipe => recipe.Ratio.Value))
        {
            string against = comparison.Rivals.FirstOrDefault(rival => rival.Recipes.Contains(recipe)) is { } rival ? Against(rival) : "–";
            yield return FormattableString.Invariant(
                $"| {recipe.Trial.Name} | {(recipe.Keeps ? "yes" : "no")} | {Points(recipe.SearchDrop)} | {Points(recipe.HeldOutDrop)} | {recipe.Trial.SizeRatio:0.000} | {Ratio(recipe.Ratio)} | {against} | {recipe.Trial.Seconds:0.0} |");
        }

        foreach (Trial failed in comparison.Failed)
        {
            yield return $"| {failed.Name} | {failed.Fault} | – | – | – | – | – | – |";
        }
    }

    private static string Against(Rival rival) => rival.IsSame ? "1 (computes the same)" : Ratio(rival.Ratio);

    private static string Ratio(Estimate ratio) => FormattableString.Invariant($"{ratio.Value:0.000} [{ratio.Low:0.000}, {ratio.High:0.000}]");

    private static string Points(Estimate drop) => $"{Points(drop.Value)} [{Points(drop.Low)}, {Points(drop.High)}]";

    private static string Points(double share) => FormattableString.Invariant($"{100 * share:0.00;−0.00}");
}
