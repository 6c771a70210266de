using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>
/// What a search trains where nothing keeps the budgets without: a student, and what the project prunes by name; integers, by quantization-aware training; and what keeps every budget but that of accuracy with as few channels removed as do, by distillation.
/// Training takes most of what time there is left, so that only what may ship after it is trained.
/// </summary>
/// <param name="list">What trains, and what may be tried.</param>
/// <param name="bench">Makes and judges trials.</param>
/// <param name="scene">What is searched.</param>
/// <param name="trials">All trials so far; it grows.</param>
/// <param name="add">Adds one to them.</param>
internal sealed class TrainingTrials(RecipeList list, Workbench bench, SearchScene scene, IReadOnlyList<Trial> trials, Action<Trial> add)
{
    /// <summary>Kinds of numbers that channels are removed from until the other budgets are kept, and that are trained then, which takes minutes each.</summary>
    private const int MostKinds = 2;

    /// <summary>Forms that are made to find out how many channels have to go.</summary>
    private const int MostFittings = 4;

    /// <summary>Shares of channels that are told apart.</summary>
    private const int Shares = 32;

    private const string Reason = "nothing keeps the budgets without training";

    /// <summary>Why nothing was trained, as a clause; null where something was.</summary>
    internal string? WhyUntrained { get; private set; } = "the time was up before";

    /// <param name="distillation">What trains pruned forms.</param>
    internal void Run(KeptTraining distillation)
    {
        if (scene.TrainedStart() is var (recipes, start))
        {
            WhyUntrained = null;
            for (int rank = 0; rank < recipes.Count; rank++)
            {
                add(bench.Try(recipes[rank], start, new Trial($"{recipes[rank].Name} with training", Reason, rank, 0), recipes[rank].IsLossless && scene.Start.Form.IsPruned ? Proof.Budgets : Proof.Value));
            }

            return;
        }

        // Integers that lose little enough by themselves gain nothing.
        bool areGood = trials.Any(trial => trial is { MayShip: true, Share: 0, Recipe.Settings.Quantization: Quantization.Static, Lessons.JudgeAccuracy: null });
        foreach (Recipe recipe in areGood ? [] : list.Trained)
        {
            WhyUntrained = null;
            add(bench.Try(recipe, scene.Start, new Trial(recipe.Name, Reason, list.Recipes.Count, 0), Proof.Value, Lessons.None));
        }

        if (list.Prunable is not null && !KeepsAll(trials) && scene.Channels() is { } axis)
        {
            foreach (Trial trial in Fitting(axis))
            {
                WhyUntrained = null;
                PreparedForm trained = scene.Train(axis, trial.Share, distillation);
                add(bench.Try(trial.Recipe!, trained, new Trial($"{trial.Name} with training", Reason, trial.Rank, trial.Share), Proof.Margin, Lessons.None));
            }
        }

        WhyUntrained = WhyUntrained is null ? null : "no pruned form breaks budgets of accuracy alone, and integers " + (list.Trained.Count == 0 ? "can't be trained here" : "keep the accuracy without");
    }

    /// <summary>Whether a trial keeps every budget.</summary>
    internal static bool KeepsAll(IEnumerable<Trial> trials) => trials.Any(trial => trial.MayShip && TrialRanking.Excess(trial) == 0);

    /// <summary>Pruned forms that lose too much and keep the other budgets: of each kind the one with the fewest channels removed, those that lose least first. Empty where one keeps the accuracy, too.</summary>
    private IReadOnlyList<Trial> Fitting(PruningAxis axis)
    {
        Trial[] kinds =
        [
            .. trials.Where(trial => trial is { Share: 0, Recipe: not null } && !list.Trained.Contains(trial.Recipe) && (trial.MayShip || trial.Cause == RefusalCause.Accuracy) && ExcessBesideAccuracy(trial) > 0)
                .OrderBy(ExcessBesideAccuracy).ThenBy(trial => trial.Loss)
                .DistinctBy(trial => string.Join(";", trial.Recipe!.Passes.Select(pass => pass.Name))).Take(MostKinds),
        ];
        List<Trial> fitting = [];
        foreach (Trial kind in kinds)
        {
            if (Fit(kind, axis) is not { } trial)
            {
                continue;
            }

            if (trial.MayShip)
            {
                return [];
            }

            fitting.Add(trial);
        }

        return [.. fitting.OrderBy(trial => trial.Loss)];
    }

    /// <summary>Removes as few channels from a kind of numbers as keep the budgets beside accuracy: by predicted time at first, then by what was made. Bytes fall faster than time, so that for them fewer are tried, too.</summary>
    /// <returns>The trial; null where no share does.</returns>
    private Trial? Fit(Trial kind, PruningAxis axis)
    {
        // Of what loses too much no time is measured, so that only bytes tell whether fewer channels would do.
        bool mayTryFewer = kind.Broken.All(verdict => SearchOutcome.IsOfAccuracy(verdict.Kind) || verdict.Kind is BudgetKind.MaxSize or BudgetKind.MaxSizeRatio);
        Trial? fitting = null;
        double unfit = 0;
        double? next = SmallestShare(axis, Math.Exp(-ExcessBesideAccuracy(kind)));
        for (int made = 0; made < MostFittings && next is { } share; made++)
        {
            Trial trial = bench.Try(
                kind.Recipe!, scene.Remove(axis, share), new Trial($"{axis.Describe(share)} + {kind.Recipe!.Name}", "the budgets beside accuracy take as much", kind.Rank, share), Proof.Margin, Lessons.None);
            add(trial);
            if (trial.Outcome is null || !(trial.MayShip || trial.Cause == RefusalCause.Accuracy))
            {
                return fitting;
            }

            double excess = ExcessBesideAccuracy(trial);
            if (excess == 0 && trial.MayShip)
            {
                return trial;
            }

            (fitting, unfit) = excess == 0 ? (trial, unfit) : (fitting, share);
            next = fitting is null ? SmallestShare(axis, axis.Left(share) * Math.Exp(-excess))
                : mayTryFewer ? Between(unfit, fitting.Share)
                : null;
        }

        return fitting;
    }

    /// <summary>The share in the middle of two; null where none is told apart from both.</summary>
    private static double? Between(double low, double high)
    {
        double middle = Math.Round((low + high) / 2 * Shares) / Shares;
        return middle > low && middle < high ? middle : null;
    }

    /// <summary>The smallest share that leaves no more; null where none does. What is left is taken to fall with the share.</summary>
    private static double? SmallestShare(PruningAxis axis, double left)
    {
        (int low, int high) = (0, Shares);
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            (low, high) = axis.Left((double)middle / Shares) <= left ? (low, middle) : (middle, high);
        }

        double share = (double)high / Shares;
        return axis.Left(share) <= left ? share : null;
    }

    private static double ExcessBesideAccuracy(Trial trial) => TrialRanking.Excess(trial.Broken.Where(verdict => !SearchOutcome.IsOfAccuracy(verdict.Kind)));
}
