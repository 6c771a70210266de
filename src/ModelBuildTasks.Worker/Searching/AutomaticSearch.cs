using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>
/// Looks for the form of a model that is best inside the budgets. First each kind of numbers by itself; then ways to find ranges, and the rounding learned, where integers lose much; then, for the kinds that are
/// best, more and more channels are removed as long as the accuracy is kept. What is cheap is asked first: predicted time and the accuracy of the pruned model before it is quantized, so that
/// few forms are made whole and measured. When the time is up, the best so far is taken.
/// </summary>
internal sealed class AutomaticSearch(OptimizationRequest request, RecipeList list, Workbench bench, Comparison comparison, Shelf shelf, SearchClock clock)
{
    /// <summary>Each takes a refit and an evaluation; the largest share that keeps the accuracy is then known to 1/32.</summary>
    private const int Halvings = 5;

    /// <summary>What leaves more of the layers' time, by prediction, is not worth what is lost: the prediction may be wrong by as much.</summary>
    private const double MostLeft = 0.95;

    /// <summary>Kinds that more is removed from: the best, and the one that may overtake it.</summary>
    private const int MostPruned = 2;

    /// <summary>Shares that are tried with a kind of numbers after the pruned model alone has kept its accuracy.</summary>
    private const int MostShares = 5;

    /// <summary>What <see cref="Halvings"/> tell shares apart by.</summary>
    private const double SmallestStep = 1.0 / (1 << Halvings);

    /// <summary>Above this signal-to-noise ratio of the outputs, in decibels, other ranges bring nothing that shows.</summary>
    private const double GoodRatio = 35;

    /// <summary>Another way to find ranges is worth a trial with so many decibels more.</summary>
    private const double LeastGain = 0.5;

    /// <summary>Trials as near to the best as this are compared with it in turns: each was measured against the original in a run of its own.</summary>
    private const double NearWithin = 0.08;

    private readonly TrialRanking ranking = new(request.Settings.Objective, request.Budgets is not { MinAccuracy: null, MaxAccuracyDrop: null, MaxClassAccuracyDrop: null });
    private readonly List<Trial> trials = [];

    /// <summary>All that was tried, in order.</summary>
    internal IReadOnlyList<Trial> Trials => trials;

    /// <summary>Whether the time was up before all was tried.</summary>
    internal bool IsCutShort { get; private set; }

    /// <summary>Why nothing was trained though nothing keeps the budgets and training is left to the search, as a clause; null where something was, or it is not.</summary>
    internal string? WhyUntrained { get; private set; } = list.Distillation is null ? null : "the time was up before";

    private bool Measures => comparison.Times || request.Settings.Objective is Objective.Size or Objective.Accuracy;

    /// <summary>The trials that may ship, the best first.</summary>
    /// <param name="scene">What is searched.</param>
    internal IReadOnlyList<Trial> Run(SearchScene scene)
    {
        try
        {
            TryStart(scene);
            TryKinds(scene);
            TryRanges(scene);
            TryRounding(scene);
            if (list.Prunable is not null && !IsGoodEnough)
            {
                RemoveMore(scene, scene.Channels);
                if (request.Compress && (request.Settings.Objective == Objective.Size || IsTooLarge))
                {
                    RemoveMore(scene, scene.Weights);
                }
            }

            TryTraining(scene);
            Settle();
        }
        catch (OperationCanceledException) when (clock.IsUp)
        {
            IsCutShort = true;
        }

        return Choice();
    }

    /// <summary>Takes a trial out of the choice.</summary>
    /// <param name="trial">The trial.</param>
    /// <param name="measured">What measuring it with care told.</param>
    /// <param name="refusal">What stands against it, as a clause.</param>
    internal IReadOnlyList<Trial> Refuse(Trial trial, Outcome measured, string refusal)
    {
        trials[trials.FindIndex(other => ReferenceEquals(other, trial))] = trial with { Outcome = measured, Refusal = refusal, Cause = RefusalCause.Latency };
        return Choice();
    }

    /// <summary>What has fallen behind has no file any more, and does not come back.</summary>
    private IReadOnlyList<Trial> Choice() => ranking.Order(trials.Where(trial => trial.IsSource || shelf.PathOf(trial) is not null));

    /// <summary>Nothing loses less than what loses nothing.</summary>
    private bool IsGoodEnough => request.Settings.Objective == Objective.Accuracy && ranking.Order(trials) is [{ Loss: <= 0 } best, ..] && TrialRanking.Excess(best) == 0;

    /// <summary>Zeros make a compressed file smaller.</summary>
    private bool IsTooLarge => ranking.Order(trials) is [var best, ..] && best.Broken.Any(verdict => verdict.Kind is BudgetKind.MaxSize or BudgetKind.MaxSizeRatio);

    private void TryStart(SearchScene scene)
    {
        if (scene.Pinned() is var (recipe, pinned, prepared))
        {
            Add(bench.Again(recipe, pinned, prepared, new Trial(pinned.Sparsity > 0 ? FormattableString.Invariant($"{recipe.Name}, {100 * pinned.Sparsity:0.#} % removed") : recipe.Name, "the lock file has it", RankOf(pinned), pinned.Sparsity) { IsLocked = true }));
        }
    }

    private void TryKinds(SearchScene scene)
    {
        // What loses nothing comes first, so that there is something to ship at any time.
        int[] order = Measures ? [.. Enumerable.Range(0, list.Recipes.Count).OrderBy(rank => list.Recipes[rank].IsLossless ? 0 : 1)] : [.. Enumerable.Range(0, list.Recipes.Count)];
        foreach (int rank in order)
        {
            // Where nothing tells them apart, the first that may ship is the best of those behind it.
            if (!Measures && ranking.Order(trials.Where(trial => !trial.IsLocked)) is [var best, ..] && best.Rank <= rank && TrialRanking.Excess(best) == 0)
            {
                return;
            }

            Recipe recipe = list.Recipes[rank];
            Trial plan = new(recipe.Name, recipe.IsLossless ? "it loses nothing" : list.IsChosenByUser ? "the project names it" : "it is a kind of numbers that the target computes", rank, 0);
            if (recipe.IsLossless && !scene.Start.Form.IsChanged)
            {
                AddSource(scene, plan with { Name = "the model as it is", Recipe = recipe });
            }
            else
            {
                // What the project prunes by name is obeyed, and this is the least that can be done with it.
                bool isObeyed = list.IsChosenByUser || (recipe.IsLossless && scene.Start.Form.IsPruned);
                Add(bench.Try(recipe, scene.Start, plan, isObeyed ? Proof.Budgets : Proof.Value));
            }
        }
    }

    private void AddSource(SearchScene scene, Trial plan)
    {
        try
        {
            Add(bench.Source(plan, scene.Loaded));
        }
        catch (Exception fault) when (fault is UnfitForRuntimeException or Inference.UnconvertibleException)
        {
            Add(plan with { Refusal = FaultDiagnostics.Clause(fault.Message), IsSource = true });
        }
    }

    /// <summary>By the noise that calibration samples see, which takes no evaluation.</summary>
    private void TryRanges(SearchScene scene)
    {
        if (LossyIntegers() is not { Recipe: { } recipe } first)
        {
            return;
        }

        // Where it lost too much, layers were returned to float for it, which others might do with less of.
        double own = (first.Lessons.JudgeAccuracy is null ? first.Plan!.SignalToNoise : bench.RatioOf(recipe, scene.Start)) ?? GoodRatio;
        (Recipe Recipe, double Ratio)? best = null;
        foreach (Recipe other in RecipeBook.WithOtherRanges(recipe, request.Settings))
        {
            clock.Token.ThrowIfCancellationRequested();
            if (bench.RatioOf(other, scene.Start) is { } ratio && ratio > (best?.Ratio ?? own + LeastGain))
            {
                best = (other, ratio);
            }
        }

        if (best is var (better, decibels))
        {
            Add(bench.Try(better, scene.Start, new Trial(better.Name, FormattableString.Invariant($"on calibration samples it has {decibels:0.0} dB of signal to noise, {own:0.0} with {recipe.Name}"), first.Rank, 0), Proof.Value));
        }
    }

    /// <summary>With the ranges that are best so far. Learning takes longer than a trial, and is not done to see whether it pays.</summary>
    private void TryRounding(SearchScene scene)
    {
        if (LossyIntegers() is not { } first
            || trials.Last(trial => trial is { Share: 0, IsLocked: false, Plan.SignalToNoise: not null } && trial.Rank == first.Rank && trial.Recipe!.CanKeepAccuracy) is not { Recipe: { } recipe } last
            || RecipeBook.WithLearnedRounding(recipe) is not { } learned)
        {
            return;
        }

        Add(bench.Try(learned, scene.Start, new Trial(learned.Name, FormattableString.Invariant($"with {recipe.Name} there are {last.Plan!.SignalToNoise:0.0} dB of signal to noise"), first.Rank, 0), Proof.Value));
    }

    /// <summary>The first trial of static integers, where it shows that they lose much; null where they do not, or are the project's choice.</summary>
    private Trial? LossyIntegers() =>
        // What brings fidelity may cost time in layers that stay in float, which only measuring tells.
        list.IsChosenByUser || trials.Find(trial => trial is { Share: 0, IsLocked: false, Recipe.CanKeepAccuracy: true, Plan.SignalToNoise: not null }) is not { } first
        || (first is { Plan.SignalToNoise: >= GoodRatio, Lessons.JudgeAccuracy: null }) || (!Measures && first.MayShip) ? null : first;

    private void RemoveMore(SearchScene scene, Func<PruningAxis?> axisOf)
    {
        // Of two that differ in their ranges alone the better one: the other would hardly overtake it.
        Trial[] kinds =
        [
            .. ranking.Order(trials.Where(trial => trial is { Share: 0, Recipe: not null, DidNotApply: false }))
                .DistinctBy(trial => string.Join(";", trial.Recipe!.Passes.Select(pass => pass.Name))).Take(Measures ? MostPruned : 1),
        ];
        if (kinds.Length == 0)
        {
            return;
        }

        if (axisOf() is not { } axis)
        {
            trials.Add(new Trial("structured pruning", "smaller layers are faster with any kind of numbers", list.Recipes.Count, 0) { Refusal = FaultDiagnostics.Reason(scene.ChannelsOutcome!.Explanation), DidNotApply = true });
            return;
        }

        SortedDictionary<double, PreparedForm> kept = SharesThatKeepAccuracy(scene, axis);
        foreach (Trial kind in kinds)
        {
            if (kept.Count == 0)
            {
                return;
            }

            double left = axis.Left(kept.Keys.Max());
            if (ranking.Value(kind) is { } value && ranking.Order(trials) is [var best, ..] && ranking.Value(best) is { } least && value * left > least && TrialRanking.Excess(best) == 0)
            {
                trials.Add(new Trial($"{kind.Name}, pruned", "something may be removed from it, too", kind.Rank, kept.Keys.Max())
                {
                    Recipe = kind.Recipe,
                    Refusal = FormattableString.Invariant($"by prediction {left:P0} of it would be left at best, and {best.Name} is better already"),
                    DidNotApply = true,
                });
                continue;
            }

            TryShares(kind, scene, axis, kept);
        }
    }

    private void TryTraining(SearchScene scene)
    {
        if (list.Distillation is not { } distillation || TrainingTrials.KeepsAll(trials))
        {
            WhyUntrained = null;
            return;
        }

        TrainingTrials training = new(list, bench, scene, trials, Add);
        try
        {
            training.Run(distillation);
        }
        finally
        {
            WhyUntrained = training.WhyUntrained;
        }
    }

    /// <summary>By bisection: the accuracy is taken to fall with the share.</summary>
    private SortedDictionary<double, PreparedForm> SharesThatKeepAccuracy(SearchScene scene, PruningAxis axis)
    {
        SortedDictionary<double, PreparedForm> kept = [];
        (double low, double high) = (0, 1);
        for (int i = 0; i < Halvings; i++)
        {
            clock.Token.ThrowIfCancellationRequested();
            double share = (low + high) / 2;
            if (axis.Left(share) > MostLeft)
            {
                low = share;
                continue;
            }

            PreparedForm pruned = scene.Remove(axis, share);
            Trial look = bench.Look(pruned, new Trial(axis.Describe(share), "it tells how much may be removed", list.Recipes.Count, share));
            if (look.MayShip)
            {
                kept.Add(share, pruned);
            }
            else
            {
                trials.Add(look);
            }

            (low, high) = look.MayShip ? (share, high) : (low, share);
        }

        return kept;
    }

    /// <summary>The largest share first; where it loses too much together with the kind, by bisection of what is below it, at shares that are made already where there are some.</summary>
    private void TryShares(Trial kind, SearchScene scene, PruningAxis axis, SortedDictionary<double, PreparedForm> kept)
    {
        Recipe recipe = kind.Recipe!;
        (double low, double high) = (0, double.PositiveInfinity);
        double share = kept.Keys.Max();
        for (int tried = 0; tried < MostShares && axis.Left(share) <= MostLeft; tried++)
        {
            PreparedForm pruned = kept.GetValueOrDefault(share) ?? scene.Remove(axis, share);
            Trial trial = bench.Try(recipe, pruned, new Trial($"{axis.Describe(share)} + {recipe.Name}", "the pruned model keeps its accuracy by itself", kind.Rank, share), Proof.Margin, kind.Lessons);
            Add(trial);
            (low, high) = trial.MayShip ? (share, high) : (low, share);
            if (high - low <= SmallestStep || double.IsInfinity(high))
            {
                return;
            }

            double middle = (low + high) / 2;
            share = kept.Keys.Where(made => made > low && made < high).OrderBy(made => Math.Abs(made - middle)).FirstOrDefault(SmallestStep * Math.Round(middle / SmallestStep));
        }
    }

    /// <summary>Holds the best against its neighbours in one run.</summary>
    private void Settle()
    {
        if (request.Settings.Objective != Objective.Latency || !comparison.Times || request.Settings.Format != ArtifactFormat.Onnx || ranking.Order(trials) is not [var best, _, ..])
        {
            return;
        }

        foreach (Trial other in ranking.Order(trials).Skip(1).Where(other => TrialRanking.Excess(other) == TrialRanking.Excess(best) && other.LatencyRatio <= best.LatencyRatio * (1 + NearWithin)).Take(Shelf.Places - 1))
        {
            if (shelf.PathOf(best) is { } first && shelf.PathOf(other) is { } second && comparison.Compare(first, second) is { } ratio)
            {
                Restate(other, best.LatencyRatio!.Value * ratio.Value, ratio);
            }
        }
    }

    /// <summary>A trial's time as it is beside the best one's.</summary>
    private void Restate(Trial trial, double latency, Estimate ratio)
    {
        int index = trials.FindIndex(other => ReferenceEquals(other, trial));
        double scale = latency / trial.LatencyRatio!.Value;
        Evaluation.Latency.LatencyResult measured = trial.Outcome!.Latency!;
        double width = ratio.Uncertainty / ratio.Value * latency;
        Trial restated = trial with { Outcome = trial.Outcome with { Latency = measured with { Ratio = new Estimate(latency, latency - width, latency + width), OptimizedMilliseconds = Scaled(measured.OptimizedMilliseconds, scale) } } };
        shelf.Rename(trial, restated);
        trials[index] = restated;
    }

    private static Estimate Scaled(Estimate estimate, double factor) => new(estimate.Value * factor, estimate.Low * factor, estimate.High * factor);

    private void Add(Trial trial)
    {
        // What was done when the time was up counts.
        trials.Add(trial);
        if (trial is { MayShip: true, IsSource: false })
        {
            shelf.Keep(trial);
            shelf.Tidy(ranking.Order(trials));
        }

        clock.Token.ThrowIfCancellationRequested();
    }

    /// <summary>Of what is not tried by itself any more, the last.</summary>
    private int RankOf(PinnedRecipe pinned) =>
        list.Recipes.ToList().FindIndex(recipe => recipe.Settings.Precision == pinned.Precision && recipe.Settings.Quantization == pinned.Quantization) is >= 0 and var rank ? rank : list.Recipes.Count;
}
