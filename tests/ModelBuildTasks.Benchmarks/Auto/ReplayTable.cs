using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Benchmarks;

/// <summary>What it takes to make again what a search chose, by the lock file, against an item that names the same recipe.</summary>
internal static class ReplayTable
{
    internal static void Print(IEnumerable<LabelledPair> pairs, int rounds)
    {
        Console.WriteLine("| model | what was chosen | seconds of search | of replay | of the same recipe, named | same bytes |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (LabelledPair entry in pairs)
        {
            using PreparedPair pair = new(entry);
            Console.WriteLine(Row(pair, rounds));
        }
    }

    private static string Row(PreparedPair pair, int rounds)
    {
        Trial search = pair.Make("Auto", PreparedPair.Auto);
        if (search.Fault is { } fault)
        {
            return $"| {pair.Name} | {fault} | – | – | – | – |";
        }

        if (LockedChoice.Of(LockEntry.Of(search.Request, search.Result), search.Request) is not { Recipe: var recipe } locked)
        {
            return FormattableString.Invariant($"| {pair.Name} | {search.Choice}, not pinned | {search.Seconds:0.0} | – | – | – |");
        }

        List<Trial> replays = [], named = [];
        for (int round = 0; round < rounds; round++)
        {
            if (round % 2 == 1)
            {
                named.Add(pair.Make("named", Named(recipe)));
            }

            replays.Add(pair.Make("replay", PreparedPair.Auto, locked));
            if (round % 2 == 0)
            {
                named.Add(pair.Make("named", Named(recipe)));
            }
        }

        bool isSame = replays.TrueForAll(replay => replay.Result.ArtifactSha256 == search.Result.ArtifactSha256);
        return FormattableString.Invariant($"| {pair.Name} | {search.Choice} | {search.Seconds:0.0} | {Seconds(replays)} | {Seconds(named)} | {(isSame ? "yes" : "no")} |");
    }

    /// <summary>The metadata that would make the recipe.</summary>
    private static ModelSettings Named(PinnedRecipe recipe) => new()
    {
        Precision = recipe.Precision,
        Quantization = recipe.Quantization,
        Calibration = recipe.Calibration,
        Pruning = recipe.Pruning,
        Sparsity = recipe.Sparsity,
    };

    /// <summary>Median, least and most.</summary>
    private static string Seconds(List<Trial> trials)
    {
        if (trials.Find(trial => trial.Fault is not null) is { } failed)
        {
            return failed.Fault!;
        }

        double[] seconds = [.. trials.Select(trial => trial.Seconds).Order()];
        return FormattableString.Invariant($"{seconds[seconds.Length / 2]:0.0} [{seconds[0]:0.0}, {seconds[^1]:0.0}]");
    }
}
