using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Searching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// Finds the artifact of one request. What the lock file has is made again; what the project names, pruning among it, is obeyed and left to the budgets; what it leaves open is searched for
/// (<see cref="AutomaticSearch"/>), and must keep the accuracy and be neither larger nor slower. If nothing does, the source model passes through.
/// </summary>
internal sealed class CandidateSearch(
    OptimizationRequest request,
    SourceModel source,
    TargetProfile target,
    Dataset? calibration,
    Dataset? evaluation,
    IProgress<PipelineProgress> progress,
    CancellationToken cancellation)
{
    /// <summary>Where trials are kept for other searches; null where they are not.</summary>
    internal ArtifactCache? Cache { get; init; }

    /// <summary>What trains; null where nothing does.</summary>
    internal Recovery? Recovery { get; init; }

    private const string IsLocked = "the lock file has it so";

    private readonly Dataset? samples = evaluation ?? calibration;

    /// <summary>Writes the artifact to where <paramref name="shipped"/> has it and returns what is known of it.</summary>
    /// <exception cref="UnfitForRuntimeException">The ONNX Runtime of the app can run no form of the model.</exception>
    /// <exception cref="UnconvertibleException">No form can be written in the format that is asked for.</exception>
    internal Outcome Run(RecipeList list, ShippedForm shipped)
    {
        CandidateMaker maker = new(request, source, target, samples, shipped);
        AppliedSteps loaded = new(target, calibration, progress, cancellation);
        maker.Load(loaded);
        if (source.Opaque is { } opaque)
        {
            string reason = $"'{opaque.Name}' is no dense tensor of numbers, so nothing that changes the model could be verified";
            maker.CopySource(loaded);
            AddPassedThrough(list, loaded, reason);
            return maker.OutcomeOf(new ComparisonResult(null, LatencyReason: reason), loaded, new PinnedRecipe { IsSource = true });
        }

        Comparison comparison = new(source, target, request, samples, progress, cancellation);
        return (request.Locked is { } locked ? MakeAgain(locked.Recipe, list, maker, comparison, loaded.Branch()) : null)
            ?? (list.IsOpen ? Search(list, maker, comparison, loaded, shipped) : ObeyOrTrain(list, maker, comparison, loaded));
    }

    /// <summary>Makes what the lock file has. It has proven itself when it was locked; the budgets judge it as ever.</summary>
    /// <returns>Null where it can't be made or run any more.</returns>
    private Outcome? MakeAgain(PinnedRecipe pinned, RecipeList list, CandidateMaker maker, Comparison comparison, AppliedSteps done)
    {
        if (pinned.IsSource)
        {
            try
            {
                return PassThrough(list, maker, comparison, done, IsLocked);
            }
            catch (Exception fault) when (fault is UnfitForRuntimeException or UnconvertibleException)
            {
                return null;
            }
        }

        RecipeList again = Again(pinned);
        PreparedForm prepared = Prepare(again, maker, done);
        ComparisonResult? result = Make(again.Recipes[0], prepared, maker, comparison, Workbench.LessonsOf(pinned), isObeyed: list.IsChosenByUser);
        PinnedRecipe made = pinned.With(prepared.Steps.TrainedWeights);
        if (pinned.TrainedWeights.Except(made.TrainedWeights).FirstOrDefault() is { } missed)
        {
            prepared.Steps.Notes.Add(Note.Of(DiagnosticCatalogue.TrainedAgain, missed,
                request.TrainedWeightsDirectory is null ? "is not in the cache, and ModelTrainedWeights names no folder" : "is neither in the cache nor in the folder that ModelTrainedWeights names"));
        }

        return result is { Refusal: null } ? OutcomeOf(maker, result, prepared, made, list.IsChosenByUser ? again.Recipes[0] : null)
            : result is null && again.Recipes[0].IsLossless ? PassThrough(list, maker, comparison, done, IsLocked)
            : null;
    }

    /// <summary>Carries out what the project names, and trains where that is left to us and breaks a budget of accuracy.</summary>
    private Outcome ObeyOrTrain(RecipeList list, CandidateMaker maker, Comparison comparison, AppliedSteps loaded)
    {
        Outcome plain = Obey(list, maker, comparison, loaded);
        if (request.Settings.FineTune != FineTune.Auto || Recovery is not { HasTime: true } || !BreaksAccuracy(plain, maker))
        {
            return plain;
        }

        ModelSettings settings = request.Settings.Clone();
        settings.FineTune = Recovery.Choice(list.Pruning.Count > 0);
        Outcome trained = Obey(RecipeBook.For(settings, target, calibration is not null, evaluation is not null, source.Start.Model, Recovery), maker, comparison, loaded);
        trained.Recipe!.FineTune = trained.Recipe.TrainedWeights.Count > 0 ? settings.FineTune : FineTune.None;
        return trained;
    }

    private bool BreaksAccuracy(Outcome outcome, CandidateMaker maker) =>
        BudgetDiagnostics.Judge(request, maker.Shipped.Describe(outcome), maker.Shipped.ShippedBytes, DeviceEvidence.None, memoryReason: null)
            .Any(verdict => SearchOutcome.IsOfAccuracy(verdict.Kind) && verdict.Outcome == BudgetOutcome.Failed);

    /// <summary>Carries out what the project names.</summary>
    private Outcome Obey(RecipeList list, CandidateMaker maker, Comparison comparison, AppliedSteps loaded)
    {
        AppliedSteps done = loaded.Branch();
        PreparedForm prepared = Prepare(list, maker, done);
        QuantizationPlan? tried = null;
        string reason = "no step changes it";
        foreach (Recipe recipe in list.Recipes)
        {
            AppliedSteps.Mark before = done.Now;
            Lessons lessons = Lessons.None;
            ComparisonResult? result = Make(recipe, prepared, maker, comparison, lessons, isObeyed: true);
            if (result is { LosesAccuracy: true } && recipe.CanKeepAccuracy)
            {
                done.Forget(before);
                lessons = lessons with { JudgeAccuracy = form => comparison.Judge(form) };
                result = Make(recipe, prepared, maker, comparison, lessons, isObeyed: true);
            }

            if (result is { Refusal: null })
            {
                PinnedRecipe pinned = Workbench.PinOf(recipe, prepared, lessons, done);
                return OutcomeOf(maker, result, prepared, pinned, recipe) with { TriedQuantization = done.Quantization is null ? tried : null };
            }

            tried ??= done.Quantization;
            if (result?.Refusal is { } refusal)
            {
                done.GiveUp(before, refusal);
                done.Notes.Add(Note.Of(DiagnosticCatalogue.StepDidNotApply, recipe.Name, refusal));
                reason = $"{recipe.Name} was given up, for {refusal}";
            }
            else
            {
                reason = $"{recipe.Name} was given up, for {(done.Steps.Count > before.Steps ? FaultDiagnostics.Reason(done.Steps[^1].Explanation) : "nothing in it can be simplified")}";
            }
        }

        done.Quantization = null;
        done.ApplyNone(since: loaded.Now);
        return PassThrough(list, maker, comparison, done, reason) with { TriedQuantization = tried };
    }

    private Outcome Search(RecipeList list, CandidateMaker maker, Comparison comparison, AppliedSteps loaded, ShippedForm shipped)
    {
        // What the project names comes first, and may take its time.
        PreparedForm named = Prepare(list, maker, loaded.Branch());
        using SearchClock clock = SearchClock.Start(Recovery?.SecondsLeft ?? request.TimeoutSeconds, cancellation);
        using Shelf shelf = new(shipped);
        MemoryStage memory = new(request, target, progress, clock.Token);
        Comparison trials = new(source, target, request, samples, progress, clock.Token);
        Workbench bench = new(request, maker, trials, shipped, samples, new ShippedSizes(request, shipped, memory, clock.Token), Cache is null ? null : new TrialCache(Cache, request, shipped));
        AutomaticSearch search = new(request, list, bench, trials, shelf, clock);
        AppliedSteps timed = new(target, calibration, progress, clock.Token);
        PreparedForm start = new(named.Form, timed.After(named.Steps)) { Simplified = named.Simplified };
        SearchScene scene = new(maker, list, new PassContext(target, calibration, null, clock.Token), loaded, start) 
        {
            Pinned = () => PinnedStart(list, maker, start, timed.After(loaded)),
            TrainedStart = () => TrainedStart(list, maker, timed.After(loaded)),
        };
        IReadOnlyList<Trial> order = search.Run(scene);
        while (order is [{ IsSource: false } best, ..])
        {
            shelf.Take(best);
            // The search measures quickly; what ships is measured with care.
            Outcome outcome = best.Outcome! with { Latency = comparison.Times ? comparison.Time(shipped) ?? best.Outcome!.Latency : null };
            if (outcome.Latency is { Ratio.Low: > 1 } slow && request.Settings.Objective == Objective.Latency && !list.IsChosenByUser)
            {
                order = search.Refuse(best, outcome, FormattableString.Invariant($"it takes {slow.Ratio.Value:0.00} times the original's time on this machine"));
                continue;
            }

            if (TrialRanking.Excess(best) == 0 && order is [_, { IsSource: false } next, ..] && TrialRanking.Excess(next) == 0
                && BudgetDiagnostics.Judge(request, outcome, best.ShippedBytes, DeviceEvidence.None, memoryReason: null).FirstOrDefault(verdict => verdict is { Kind: BudgetKind.MaxLatency or BudgetKind.MaxLatencyRatio, Outcome: BudgetOutcome.Failed }) is { } broken)
            {
                order = search.Refuse(best, outcome, FaultDiagnostics.Clause(broken.Sentence));
                continue;
            }

            return new SearchOutcome(request, search, clock).Of(best, outcome);
        }

        AppliedSteps passed = named.Steps.Branch();
        passed.ApplyNone(since: loaded.Now);
        return new SearchOutcome(request, search, clock).Of(order is [var unchanged, ..] ? unchanged : null, PassThrough(list, maker, comparison, passed, SearchOutcome.ReasonToPassThrough(search)));
    }

    private RecipeList Again(PinnedRecipe pinned) =>
        RecipeBook.Again(pinned, request.Settings, target, calibration is not null, evaluation is not null, source.Start.Model, Recovery);

    /// <summary>What the project names, with training: that of a student, or of what it prunes.</summary>
    private (IReadOnlyList<Recipe>, PreparedForm)? TrainedStart(RecipeList list, CandidateMaker maker, AppliedSteps done)
    {
        if (source.Student is null && list.Pruning.Count == 0)
        {
            return null;
        }

        ModelSettings settings = request.Settings.Clone();
        settings.FineTune = FineTune.Distill;
        RecipeList trained = RecipeBook.For(settings, target, calibration is not null, evaluation is not null, source.Start.Model, Recovery);
        return (trained.Recipes, Prepare(trained, maker, done, FineTune.Distill));
    }

    private (Recipe, PinnedRecipe, PreparedForm)? PinnedStart(RecipeList list, CandidateMaker maker, PreparedForm start, AppliedSteps loaded)
    {
        if (request.Start is not { IsSource: false } pinned)
        {
            return null;
        }

        RecipeList again = Again(pinned);
        if (list.Pruning.Count > 0)
        {
            // Pruning that the project names is done already, and training is not.
            return (again.Recipes[0], pinned, pinned.FineTune == FineTune.Distill ? Prepare(again, maker, loaded, pinned.FineTune) : start);
        }

        AppliedSteps done = start.Steps.Branch();
        Prepared pruned = maker.Prune(again.Pruning, start.Form, done);
        return (again.Recipes[0], pinned, new PreparedForm(pruned, done, pinned.Sparsity, pinned.Pruning) { Simplified = start.Simplified, FineTune = pinned.FineTune });
    }

    private static PreparedForm Prepare(RecipeList list, CandidateMaker maker, AppliedSteps done, FineTune training = FineTune.None)
    {
        Prepared simplified = maker.Simplify(done);
        Prepared pruned = maker.Prune(list.Pruning, simplified, done);
        return new PreparedForm(pruned, done) { Simplified = simplified, FineTune = training };
    }

    /// <summary>Makes and compares a candidate that need not prove itself; null where the recipe leaves nothing to ship.</summary>
    private static ComparisonResult? Make(Recipe recipe, PreparedForm prepared, CandidateMaker maker, Comparison comparison, Lessons lessons, bool isObeyed)
    {
        (Onnx.Model model, bool changed) = maker.Apply(recipe, isObeyed, prepared.Form, prepared.Steps, lessons);
        if (!changed && !prepared.Form.IsChanged)
        {
            return null;
        }

        ComparisonResult result = maker.Save(model, prepared.Steps) ?? comparison.Of(maker.Shipped, Proof.Budgets);
        return result.Refusal is null && recipe.IsForSize ? maker.RefuseLarger(result) ?? result : result;
    }

    private static Outcome OutcomeOf(CandidateMaker maker, ComparisonResult result, PreparedForm prepared, PinnedRecipe pinned, Recipe? obeyed)
    {
        if (obeyed is not null && result.Loss is { } loss)
        {
            prepared.Steps.Notes.Add(Note.Of(DiagnosticCatalogue.ObeyedAtALoss, obeyed.Name, loss));
        }

        Prepared? simplified = prepared.Simplified;
        return maker.OutcomeOf(result, prepared.Steps, pinned) with { Multiplications = prepared.Form is { IsPruned: true } or { IsStudent: true } && simplified is not null ? maker.Count(simplified, prepared.Form) : null };
    }

    private Outcome PassThrough(RecipeList list, CandidateMaker maker, Comparison comparison, AppliedSteps done, string reason)
    {
        maker.CopySource(done);
        AddPassedThrough(list, done, reason);
        return comparison.Of(maker.Shipped, Proof.Budgets) switch
        {
            { Refusal: null } result => maker.OutcomeOf(result, done, new PinnedRecipe { IsSource = true }),
            { Refusal: { } unfit, Cause: RefusalCause.Runtime } => throw new UnfitForRuntimeException(unfit),
            { Refusal: { } formless, Cause: RefusalCause.Format } => throw new UnconvertibleException(formless),
            { Refusal: { } refusal } => throw new InferenceException($"The model cannot pass through unchanged either: {refusal}."),
        };
    }

    private void AddPassedThrough(RecipeList list, AppliedSteps done, string reason)
    {
        if (!list.KeepsFormat)
        {
            done.Notes.Add(Note.Of(DiagnosticCatalogue.PassedThrough, source.Lifting is null ? reason : $"{reason}; it is lifted to float32, for ONNX Runtime does not compute its bfloat16 on a processor"));
        }
    }
}
