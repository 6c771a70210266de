using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Benchmarks;

/// <summary>An artifact and what it is good for.</summary>
/// <param name="Trial">How it was made.</param>
/// <param name="SearchDrop">Loss of Top1 on the half that was searched by.</param>
/// <param name="HeldOutDrop">Loss of Top1 on the other half, with its 95 % interval.</param>
/// <param name="Ratio">Its time over the original's.</param>
internal sealed record Judged(Trial Trial, Estimate SearchDrop, Estimate HeldOutDrop, Estimate Ratio)
{
    // Shares of samples are quotients: 3 of 300 must not be more than 0.01.
    private const double Rounding = 1e-9;

    // Standard errors in half of a 95 % interval.
    private const double ErrorsOfInterval = 1.96;

    /// <summary>Whether it keeps the budget on the half that was searched by with a standard error to spare, as Auto must.</summary>
    internal bool IsSafe => SearchDrop.Value + ((SearchDrop.High - SearchDrop.Value) / ErrorsOfInterval) <= PreparedPair.MaxAccuracyDrop + Rounding;

    /// <summary>Whether the budget holds on both halves.</summary>
    internal bool Keeps => Math.Max(SearchDrop.Value, HeldOutDrop.Value) <= PreparedPair.MaxAccuracyDrop + Rounding;
}

/// <summary>Fixed recipes that compute the same, against which <c>Auto</c> was timed.</summary>
/// <param name="Recipes">The fixed recipes.</param>
/// <param name="Ratio">The time of Auto's artifact over theirs.</param>
/// <param name="IsSame">Whether Auto's computes the same, too, so that nothing was to be timed.</param>
internal sealed record Rival(IReadOnlyList<Judged> Recipes, Estimate Ratio, bool IsSame);

/// <summary>What <c>Auto</c> makes of one pair against every fixed recipe.</summary>
/// <param name="Auto">Auto's artifact.</param>
/// <param name="Fixed">Every fixed recipe that made something.</param>
/// <param name="Failed">Those that made nothing.</param>
/// <param name="Rivals">Those that keep the budget and may be the fastest; first the one that Auto fares worst against.</param>
/// <param name="SafeRivals">The same of those that keep the budget as Auto must, whatever the other half says.</param>
/// <param name="BestRatio">The time of that one over the original's, measured as Auto's is; null where no fixed recipe keeps the budget.</param>
internal sealed record AutoComparison(Judged Auto, IReadOnlyList<Judged> Fixed, IReadOnlyList<Trial> Failed, IReadOnlyList<Rival> Rivals, IReadOnlyList<Rival> SafeRivals, Estimate? BestRatio)
{
    /// <summary>A recipe whose ratio to the original is larger by more than this, relative to the best, is not timed against Auto: it is not the fastest.</summary>
    private const double MostBehind = 1.15;

    /// <param name="pair">What is measured.</param>
    /// <param name="searched">Auto's artifact.</param>
    /// <param name="isQuick">Whether to leave out some of the fixed recipes.</param>
    /// <param name="rounds">Measurements of latency of which the median counts.</param>
    internal static AutoComparison Of(PreparedPair pair, Trial searched, bool isQuick, int rounds)
    {
        Judged auto = new(searched, pair.SearchDrop(searched), pair.HeldOutDrop(searched), pair.Ratio(searched.Artifact, pair.ModelPath, rounds));
        Trial[] trials = [.. FixedRecipes.All(isQuick).Select(recipe => pair.Make(recipe.Name, recipe.Settings))];
        Judged[] made = [.. trials.Where(trial => trial.Fault is null).Select(trial => Judge(pair, trial))];
        Rival[] rivals = Against(pair, auto, [.. made.Where(recipe => recipe.Keeps)], rounds);
        Rival[] safe = Against(pair, auto, [.. made.Where(recipe => recipe.IsSafe)], rounds);
        Estimate? best = rivals switch
        {
            [] => null,
            [{ IsSame: true }, ..] => auto.Ratio,
            [{ Recipes: var recipes }, ..] => pair.Ratio(recipes[0].Trial.Artifact, pair.ModelPath, rounds),
        };
        return new AutoComparison(auto, made, [.. trials.Where(trial => trial.Fault is not null)], rivals, safe, best);
    }

    private static Judged Judge(PreparedPair pair, Trial trial)
    {
        // What a build measured anyway is good enough to tell who may be the fastest.
        Estimate ratio = trial.Result.LatencyRatio is { Measured: true, Value: { } value, Low: { } low, High: { } high }
            ? new Estimate(value, low, high)
            : pair.Ratio(trial.Artifact, pair.ModelPath, rounds: 1);
        return new Judged(trial, pair.SearchDrop(trial), pair.HeldOutDrop(trial), ratio);
    }

    private static Rival[] Against(PreparedPair pair, Judged auto, Judged[] keeping, int rounds)
    {
        string own = TargetTable.ComputationOf(auto.Trial.Artifact);
        return
        [
            .. keeping
                .Where(recipe => recipe.Ratio.Value <= MostBehind * keeping.Min(other => other.Ratio.Value))
                .GroupBy(recipe => TargetTable.ComputationOf(recipe.Trial.Artifact))
                .Select(same => same.Key == own
                    ? new Rival([.. same], Estimate.Exact(1), IsSame: true)
                    : new Rival([.. same], pair.Ratio(auto.Trial.Artifact, same.First().Trial.Artifact, rounds), IsSame: false))
                .OrderByDescending(rival => rival.Ratio.Value),
        ];
    }
}
