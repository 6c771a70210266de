using System.Globalization;
using System.Text.RegularExpressions;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Worker.Pipeline;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>
/// What a search did, in plain sentences: what was tried, in which order and why, what was refused, what was kept, and what it bought. Of many trials the ones that matter have a line
/// each, and what was refused for one kind of reason shares one. Figures that are missing or not finite leave theirs out.
/// </summary>
internal static partial class SearchStory
{
    /// <summary>Forms that may ship and have a line each; the others share one.</summary>
    private const int MostTold = 4;

    /// <summary>Kinds of reasons for a refusal that have a line each; the others share one.</summary>
    private const int MostKinds = 3;

    /// <summary>Forms that are named where several share a line.</summary>
    private const int MostNamed = 3;

    internal static void Print(OptimizationResult result)
    {
        foreach (string line in Lines(result))
        {
            AnsiConsole.MarkupLineInterpolated($"{line}");
        }
    }

    /// <returns>One sentence or more each, on one line; none where nothing was made or tried.</returns>
    internal static IEnumerable<string> Lines(OptimizationResult result) =>
        (result.Search is { } search ? Searched(result, search) : result.Succeeded ? Unsearched(result) : []).Select(OnOneLine);

    /// <summary>What was sought, and how much was tried for it, as a sentence.</summary>
    internal static string Opening(SearchAccount search, bool isFromCache = false)
    {
        string goal = $"for the {search.Objective switch
        {
            Objective.Size => "smallest size",
            Objective.Memory => "least memory",
            Objective.Accuracy => "best accuracy",
            _ => "lowest latency",
        }}";
        // What was refused by prediction was never made.
        int known = search.Trials.Count(trial => trial is { Seconds: 0, Bytes: not null });
        string cached = known == 0 ? "" : known == search.Trials.Count ? ", known from the cache" : $", {known} of them known from the cache";
        string tried = $"tried {Count(search)}{cached}";
        return isFromCache ? $"It came from the cache; the search that made it, {goal}, {tried}." : $"The search {goal} {tried}.";
    }

    /// <summary>How much was tried: "5 forms in 41 s".</summary>
    internal static string Count(SearchAccount search) =>
        search.Trials.Count switch { 0 => "nothing", 1 => "one form", var count => $"{count} forms" } + (double.IsFinite(search.Seconds) ? $" in {Quantities.Seconds(search.Seconds)}" : "");

    /// <summary>What the end of the time left open; null where all was tried.</summary>
    internal static string? CutShort(SearchAccount search) =>
        search.IsCutShort ? "The time was up before all was tried: a longer ModelOptimizationTimeout may find better." : null;

    private static IEnumerable<string> Searched(OptimizationResult result, SearchAccount search)
    {
        Told[] trials = [.. search.Trials.Select((trial, index) => new Told(index + 1, trial, Worth(trial, search.Objective)))];
        return [Opening(search, result.FromCache), .. Fit(trials), .. Refused(trials), Kept(result, search, trials), .. Bought(result), .. CutShort(search) is { } end ? [end] : Array.Empty<string>()];
    }

    private static IEnumerable<string> Unsearched(OptimizationResult result)
    {
        string[] applied = [.. result.Recipe.Where(step => step.Applied).Select(step => step.Name)];
        return
        [
            result.FromCache ? "Nothing was searched for: the cache had what these settings make."
                : result.Recipe.Any(step => step.Explanation.Contains("lock file", StringComparison.Ordinal)) ? "Nothing was searched for: it was made again as the lock file has it."
                : "Nothing was searched for: the settings name what to do.",
            applied.Length == 0 ? "Done: nothing; the source model ships as it is." : $"Done: {Series(applied)}.",
            .. Bought(result),
        ];
    }

    /// <summary>What may ship, in the order in which it was tried: what was chosen and what is on the front goes before the rest.</summary>
    private static IEnumerable<string> Fit(Told[] trials)
    {
        Told[] fit = [.. trials.Where(told => told.Trial.Refusal is null || told.Trial.IsChosen)];
        HashSet<Told> shown = [.. fit.OrderByDescending(told => told.Trial.IsChosen).ThenByDescending(told => told.Trial.IsOnFront).ThenBy(told => told.Number).Take(MostTold)];
        foreach (Told told in fit.Where(shown.Contains))
        {
            string reason = FaultDiagnostics.Clause(told.Trial.Reason) is { Length: > 0 } clause ? $", because {clause}" : "";
            yield return $"{told.Title}{reason}{(told.Worth.Length > 0 ? $": {told.Worth}" : "")}.";
        }

        if (fit.Length > shown.Count)
        {
            yield return $"Also fit to ship: {Named(fit.Where(told => !shown.Contains(told)))}.";
        }
    }

    private static IEnumerable<string> Refused(Told[] trials)
    {
        IGrouping<string, Told>[] kinds = [.. trials.Where(told => told.Trial is { Refusal: not null, IsChosen: false }).GroupBy(told => Particular().Replace(told.Trial.Refusal!, "#"))];
        HashSet<string> shown = [.. kinds.OrderByDescending(kind => kind.Count()).Take(MostKinds).Select(kind => kind.Key)];
        foreach (IGrouping<string, Told> kind in kinds.Where(kind => shown.Contains(kind.Key)))
        {
            Told first = kind.First();
            string others = kind.Skip(1).Any() ? $"; for the same kind of reason also {Named(kind.Skip(1))}" : "";
            yield return $"Refused: {first.Title}{(first.Worth.Length > 0 ? $" ({first.Worth})" : "")}, for {FaultDiagnostics.Clause(first.Trial.Refusal!)}{others}.";
        }

        if (kinds.Length > shown.Count)
        {
            yield return $"Refused for other reasons: {Named(kinds.Where(kind => !shown.Contains(kind.Key)).SelectMany(kind => kind).OrderBy(told => told.Number))}.";
        }
    }

    private static string Kept(OptimizationResult result, SearchAccount search, Told[] trials)
    {
        string why = FaultDiagnostics.Clause(search.Decision) is { Length: > 0 } decision ? $" {decision}." : "";
        string[] broken = [.. result.Budgets.Where(budget => budget.Verdict == Verdict.Failed).Select(budget => budget.Name)];
        string though = broken.Length > 0 ? $", though it breaks {Series(broken)}" : "";
        if (trials.FirstOrDefault(told => told.Trial.IsChosen) is { } chosen)
        {
            return $"Kept{(though.Length == 0 && chosen.Trial.Refusal is { } refusal ? $", though {FaultDiagnostics.Clause(refusal)}" : though)}: {chosen.Title}.{why}";
        }

        bool isSource = result.Succeeded && (result.Pinned?.IsSource ?? !result.Recipe.Any(step => step.Applied));
        string reason = trials.Length > 0 && trials.All(told => told.Trial.Refusal is not null) ? ", for nothing that was tried may ship" : "";
        return isSource ? $"Kept{though}: the source model as it is{reason}.{why}" : $"Kept: nothing{reason}.{why}";
    }

    /// <summary>The artifact beside the original; empty where there is none.</summary>
    private static IEnumerable<string> Bought(OptimizationResult result)
    {
        if (result is not { Succeeded: true, Original: { } original, Optimized: { } optimized })
        {
            yield break;
        }

        long shipped = (result.IsCompressed ? optimized.CompressedBytes : null) ?? optimized.Bytes;
        List<string> figures = [$"{Quantities.Size(shipped)} of {Quantities.Size(original.Bytes)}{(original.Bytes > 0 ? $" (× {Ratio((double)shipped / original.Bytes)})" : "")}"];
        if (result.LatencyRatio is not { Measured: true } latency)
        {
            figures.Add("latency not measured");
        }
        else if (Finite(latency.Value) is { } ratio)
        {
            figures.Add($"latency × {Ratio(ratio)}{((Finite(original.LatencyMilliseconds), Finite(optimized.LatencyMilliseconds)) is ({ } slow, { } fast) ? $" ({Quantities.Milliseconds(slow)} → {Quantities.Milliseconds(fast)})" : "")}");
        }

        if (optimized.PeakMemoryBytes is { } memory)
        {
            figures.Add($"memory {Quantities.Size(memory)}{(original.PeakMemoryBytes is { } most ? $" of {Quantities.Size(most)}" : "")}");
        }

        if ((Finite(original.Accuracy), Finite(optimized.Accuracy)) is ({ } before, { } after))
        {
            figures.Add($"{result.AccuracyDrop?.Metric.ToString() ?? "accuracy"} {Quantities.Score(before)} → {Quantities.Score(after)}{(Finite(result.AccuracyDrop?.Value) is { } drop ? $" ({Lost(drop)})" : "")}");
        }

        yield return $"Against the original: {string.Join(", ", figures)}.";
    }

    /// <summary>What is known of a trial: size, memory where that is sought, latency, and what it loses by the best measure that there is.</summary>
    private static string Worth(SearchTrial trial, Objective objective) => string.Join(", ", ((string?[])
    [
        trial.Bytes is { } bytes ? Quantities.Size(bytes) : null,
        objective == Objective.Memory && trial.PeakMemoryBytes is { } memory ? $"memory {Quantities.Size(memory)}" : null,
        Finite(trial.LatencyRatio) is { } ratio ? $"latency × {Ratio(ratio)}" : null,
        Finite(trial.Drop) is { } drop ? Lost(drop)
            : Finite(trial.Accuracy) is { } accuracy ? $"accuracy {Quantities.Score(accuracy)}"
            : Finite(trial.Cosine) is { } cosine ? $"cosine {Quantities.Score(cosine)}"
            : null,
    ]).OfType<string>());

    private static string Lost(double drop) => drop switch
    {
        0 => "no drop",
        > 0 and < 0.00005 => "drop below 0.0001",
        > 0 => $"drop {Quantities.Score(drop)}",
        > -0.00005 => "gain below 0.0001",
        _ => $"gain {Quantities.Score(-drop)}",
    };

    private static double? Finite(double? number) => number is { } known && double.IsFinite(known) ? known : null;

    private static string Ratio(double ratio) => ratio.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Named(IEnumerable<Told> trials)
    {
        string[] titles = [.. trials.Select(told => told.Title)];
        return titles.Length <= MostNamed + 1 ? Series(titles) : $"{string.Join(", ", titles.Take(MostNamed))} and {titles.Length - MostNamed} more";
    }

    private static string Series(string[] names) => names.Length == 1 ? names[0] : $"{string.Join(", ", names[..^1])} and {names[^1]}";

    /// <summary>Names of layers and outputs are whatever a model has: what ends a line or moves a terminal's cursor does not.</summary>
    private static string OnOneLine(string line) => string.Concat(line.ReplaceLineEndings(" ").Select(character => char.IsControl(character) ? '\uFFFD' : character));

    /// <summary>Numbers and quoted names: what two reasons of one kind differ in.</summary>
    [GeneratedRegex(@"(?<!\w)'.*?'(?!\w)|\d[\d.,]*", RegexOptions.Singleline)]
    private static partial Regex Particular();

    /// <param name="Number">From 1, in the order in which it was tried.</param>
    /// <param name="Worth">Its figures in words; empty where nothing is known.</param>
    private sealed record Told(int Number, SearchTrial Trial, string Worth)
    {
        internal string Title => $"{Number}. {Trial.Name}";
    }
}
