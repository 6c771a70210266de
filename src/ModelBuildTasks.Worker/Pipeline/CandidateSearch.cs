using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// Tries recipes, best first, until one gives an artifact that may ship. What the project named, pruning among it, is obeyed and
/// left to the budgets; what <c>Auto</c> chose must also keep the accuracy and be neither larger nor slower. If nothing does, the source model
/// passes through. Pruning whose extent was left to us (<see cref="RecipeList.Unpruned"/>) must prove itself with the recipe behind it, or there is none.
/// </summary>
internal sealed class CandidateSearch(
    OptimizationRequest request,
    SourceModel source,
    TargetProfile target,
    Dataset? calibration,
    Dataset? evaluation,
    IProgress<PipelineProgress> progress,
    CancellationToken cancellation,
    LockedForm? wanted = null)
{
    /// <summary>How often a recipe is tried, each time with half of its regions of integers returned to float: each attempt is a whole quantization and a measurement.</summary>
    private const int MostAttempts = 3;

    /// <summary>
    /// The part of what may be lost that pruning may spend where integers or float16 may follow, which lose, too. More for pruning would leave them too little on most models; the
    /// combination is judged by the whole.
    /// </summary>
    private const double PruningShare = 0.5;

    private const string TooLargeForOrt = "in ORT format, which is one file, it would have more than 2 GB";

    private readonly AppliedSteps done = new(target, calibration, progress, cancellation);
    private readonly ArtifactFit fit = new(request, target);
    private AppliedSteps.Mark loaded;
    private QuantizationPlan? tried;
    private Multiplications? multiplications;

    /// <summary>Writes the artifact to where <paramref name="candidate"/> has it and returns what is known of it; null where one is wanted that does not come up.</summary>
    internal Outcome? Run(RecipeList list, ShippedForm candidate)
    {
        if (source.Lifting is { } lift)
        {
            done.Steps.Add(lift);
            loaded = done.Now;
        }

        if (source.Opaque is { } opaque)
        {
            return PassThroughUnseen(list, candidate, $"'{opaque.Name}' is no dense tensor of numbers, so nothing that changes the model could be verified");
        }

        Model model = source.Model.Clone();
        bool isSimplified = done.Apply(new GraphSimplification(request.Settings.DisabledRules), model);
        bool isLifted = source.Lifting is not null && request.Settings.Precision != Precision.Float32;
        Prepared simplified = new(model.Clone(), isSimplified, IsPruned: false) { IsLifted = isLifted };
        Comparison comparison = new(source, target, request, evaluation ?? calibration, progress, cancellation);
        Lessons lessons = new(evaluation is null ? null : form => comparison.Judge(form, list.Recipes.Any(recipe => recipe.Passes.Count > 0) ? PruningShare : 1), new HashSet<string>());
        AppliedSteps.Mark before = done.Now;
        bool isPruned = false;
        long? whole = list.Pruning.Count > 0 ? CountMultiplications(model) : null;
        IModelPass[] lifting = list.Pruning.Count > 0 ? Lifting(model) : [];
        foreach (IModelPass pass in lifting)
        {
            done.Apply(pass, model);
        }

        foreach (IModelPass pass in list.Pruning)
        {
            isPruned |= done.ApplyRequested(pass, model, lessons);
        }

        // Quantization, which follows, changes what is multiplied and not how much.
        multiplications = whole is { } original && CountMultiplications(model) is { } left ? new Multiplications(original, left) : null;

        (string Recipe, Rejection Rejection)? firstRejected = null;
        if (list.Unpruned is null || isPruned)
        {
            Prepared pruned = new(model, isSimplified, isPruned) { MustProveItself = list.Unpruned is not null, IsLifted = isLifted || lifting.Length > 0 };
            if (!isPruned)
            {
                // What was lifted for it goes back, exactly.
                done.GiveUp(before, "nothing was pruned");
                pruned = simplified;
            }

            if (TryAll(list, pruned, candidate, comparison, ref firstRejected) is { } outcome)
            {
                return outcome;
            }
        }

        if (list.Unpruned is { } unpruned)
        {
            done.GiveUp(before, firstRejected?.Rejection.Reason ?? "nothing came of it");
            CountAsUnpruned();
            if (TryAll(unpruned, simplified, candidate, comparison, ref firstRejected) is { } outcome)
            {
                return outcome;
            }
        }

        return PassThrough(list, candidate, comparison, firstRejected is var (recipe, rejected) ? $"{recipe} was given up, for {rejected.Reason}" : "no step changes it");
    }

    private Outcome? TryAll(RecipeList list, Prepared prepared, ShippedForm candidate, Comparison comparison, ref (string Recipe, Rejection Rejection)? firstRejected)
    {
        bool wasRejected = firstRejected is not null;
        foreach (Recipe recipe in list.Recipes)
        {
            if (TryRecipe(recipe, list.IsChosenByUser, prepared, candidate, comparison, out Rejection? rejection) is { } outcome)
            {
                return wanted is null && firstRejected is var (named, first) && (wasRejected || !list.IsChosenByUser)
                    ? outcome with { Notes = [.. outcome.Notes, FellBack(named, recipe.Name, first)] }
                    : outcome;
            }

            firstRejected ??= (recipe.Name, rejection!);
        }

        return null;
    }

    private Outcome? TryRecipe(
        Recipe recipe, bool isChosenByUser, Prepared prepared, ShippedForm candidate, Comparison comparison, out Rejection? rejection)
    {
        // A recipe of Auto whose own passes do nothing leaves the turn to the next; the last, without passes, is what is left.
        bool isAllThereIs = isChosenByUser || recipe.Passes.Count == 0;
        bool isObeyed = isAllThereIs && !prepared.MustProveItself && (isChosenByUser || prepared.IsPruned);
        HashSet<string> slower = [];
        rejection = null;
        for (int attempt = 1; ; attempt++)
        {
            AppliedSteps.Mark before = done.Now;
            ComparisonResult? result = CarryOut(new Lessons(JudgeAccuracy: null, slower));
            if (recipe.CanKeepAccuracy && (result is { LosesAccuracy: true } || (result is { Cause: RefusalCause.NotLocked } && (evaluation ?? calibration) is not null)))
            {
                done.Forget(before);
                result = CarryOut(new Lessons(form => comparison.Judge(form), slower));
            }

            if (result is null)
            {
                tried ??= done.Quantization;
                rejection ??= Rejection.DidNotApply(done.Steps.Count > before.Steps ? FaultDiagnostics.Reason(done.Steps[^1].Explanation) : "nothing in it can be simplified");
                return null;
            }

            if (wanted is null && !isObeyed && recipe.Passes.Count > 0 && prepared.IsSimplified && result is { Refusal: null, Latency: not null }
                && comparison.ReasonToPrefer(prepared.Model, candidate) is { } preferred)
            {
                result = ComparisonResult.Slower(preferred);
            }

            if (result.Refusal is not { } refusal)
            {
                if (wanted is null && rejection is not null)
                {
                    done.Notes.Add(FellBack(recipe.Name, $"the same with {Quantities.Count(slower.Count, "layer", "layers")} more in float", rejection));
                }

                return OutcomeOf(candidate, result, isObeyed ? recipe : null);
            }

            rejection ??= Rejection.Of(result);
            done.GiveUp(before, refusal);
            if (result.Cause is RefusalCause.Latency or RefusalCause.NotLocked && attempt < MostAttempts && done.Quantization?.LeastGaining() is { Count: > 0 } regions)
            {
                slower.UnionWith(regions);
                continue;
            }

            tried ??= done.Quantization;
            if (isObeyed && wanted is null)
            {
                done.Notes.Add(Note.Of(DiagnosticCatalogue.StepDidNotApply, recipe.Name, refusal));
            }

            return null;
        }

        // Null where the recipe leaves nothing to ship.
        ComparisonResult? CarryOut(Lessons lessons)
        {
            (Model model, bool changed) = Apply(recipe, isChosenByUser, prepared, lessons);
            return changed || (isAllThereIs && prepared.IsChanged) ? SaveAndCompare(model, recipe, candidate, comparison, isObeyed) : null;
        }
    }

    private static Note FellBack(string wanted, string taken, Rejection rejection) => Note.Of(DiagnosticCatalogue.FellBack, wanted, taken, rejection.Reason, rejection.Advice);

    /// <summary>Applies a recipe to a copy of the prepared model.</summary>
    private (Model Model, bool IsChanged) Apply(Recipe recipe, bool isChosenByUser, Prepared prepared, Lessons lessons)
    {
        Model model = prepared.Model.Clone();
        AppliedSteps.Mark before = done.Now;
        done.Quantization = null;
        IModelPass[] lifting = recipe.Passes.Count > 0 && !target.ComputesFloat16 ? Lifting(model) : [];
        bool isPrepared = false;
        foreach (IModelPass pass in lifting.Concat(recipe.Preparation))
        {
            isPrepared |= done.Apply(pass, model);
        }

        bool changed = false;
        foreach (IModelPass pass in recipe.Passes)
        {
            // What follows a pass that applied completes it, and need not find anything.
            changed |= isChosenByUser && !changed ? done.ApplyRequested(pass, model, lessons) : done.Apply(pass, model, lessons);
        }

        bool isLifted = lifting.Length > 0;
        if (isPrepared && !changed)
        {
            model = prepared.Model.Clone();
            isLifted = false;
            done.GiveUp(before, "nothing came of it");
        }

        // Of a recipe that leaves the turn to the next, the last step says why.
        if ((isLifted || prepared.IsLifted) && (changed || isChosenByUser || recipe.Passes.Count == 0) && !recipe.Passes.Any(pass => pass is Float16Storage or Float16Conversion))
        {
            done.Apply(target.ComputesFloat16 ? new Float16Conversion() : new Float16Storage(), model);
        }

        return (model, changed);
    }

    /// <summary>Integers and pruned weights are fitted in float32, to which a processor that has no 16-bit kernels converts anyway. By itself that doubles the file and gains no time.</summary>
    private IModelPass[] Lifting(Model model) =>
        source.Lifting is null && Float32Conversion.IsHalf(model) ? [new Float32Conversion(), new GraphSimplification(request.Settings.DisabledRules)] : [];

    private ComparisonResult SaveAndCompare(Model model, Recipe recipe, ShippedForm candidate, Comparison comparison, bool isObeyed)
    {
        if (fit.Apply(model, done) is { } unfit)
        {
            return new ComparisonResult(unfit) { Cause = RefusalCause.Runtime };
        }

        if (!candidate.CanShip(model))
        {
            return new ComparisonResult(TooLargeForOrt) { Cause = RefusalCause.Format };
        }

        Provenance.Write(model, request, target, done.Steps, source.Bytes);
        candidate.Save(model);
        if (wanted is not null)
        {
            LockedMatch match = wanted.Match(candidate, done.Plan);
            ComparisonResult? compared = match == LockedMatch.None ? null : comparison.Of(candidate, mustProveItself: false);
            if (match == LockedMatch.Alike && compared is { Refusal: null })
            {
                wanted.Keep(candidate, OutcomeOf(candidate, compared, isObeyed ? recipe : null));
                compared = null;
            }

            return compared ?? new ComparisonResult(LockedForm.Another) { Cause = RefusalCause.NotLocked };
        }

        ComparisonResult result = comparison.Of(candidate, mustProveItself: !isObeyed);
        long bytes = candidate.ArtifactBytes;
        long most = source.PassedThroughBytes;
        return result.Refusal is not null || (isObeyed && !recipe.IsForSize) || bytes <= most
            ? result
            : new ComparisonResult($"its file would have {Quantities.Number(bytes)} bytes, more than the {Quantities.Number(most)} of the model itself") { Cause = RefusalCause.Size };
    }

    private Outcome? PassThrough(RecipeList list, ShippedForm candidate, Comparison comparison, string reason)
    {
        done.Quantization = null;
        CountAsUnpruned();
        done.ApplyNone(since: loaded);

        try
        {
            CopySource(list, candidate, wanted is null ? reason : "the lock file has it so");
        }
        catch (Exception fault) when (wanted is not null && (fault is UnfitForRuntimeException or UnconvertibleException))
        {
            return null;
        }

        if (wanted?.Match(candidate, done.Plan) == LockedMatch.None)
        {
            return null;
        }

        ComparisonResult result = comparison.Of(candidate, mustProveItself: false);
        return result switch
        {
            { Refusal: null } => OutcomeOf(candidate, result),
            _ when wanted is not null => null,
            { Refusal: { } unfit, Cause: RefusalCause.Runtime } => throw new UnfitForRuntimeException(unfit),
            { Refusal: { } formless, Cause: RefusalCause.Format } => throw new UnconvertibleException(formless),
            { Refusal: { } refusal } => throw new InferenceException($"The model cannot pass through unchanged either: {refusal}."),
        };
    }

    private Outcome PassThroughUnseen(RecipeList list, ShippedForm candidate, string reason)
    {
        CopySource(list, candidate, reason);
        return OutcomeOf(candidate, new ComparisonResult(null, LatencyReason: reason));
    }

    private void CopySource(RecipeList list, ShippedForm candidate, string reason)
    {
        AppliedSteps.Mark before = done.Now;
        Model fitted = source.Model.Clone();
        if (fit.Apply(fitted, done) is { } unfit)
        {
            throw new UnfitForRuntimeException(unfit);
        }

        if (!candidate.CanShip(fitted))
        {
            throw new UnconvertibleException(TooLargeForOrt);
        }

        if (source.Lifting is not null || done.Steps.Skip(before.Steps).Any(step => step.Applied))
        {
            Provenance.Write(fitted, request, target, done.Steps, source.Bytes);
            candidate.Save(fitted);
        }
        else if (target.KeepsEnginesByName)
        {
            Provenance.WriteTypes(fitted);
            candidate.Save(fitted);
        }
        else if (source.Model.ExternalDataFiles.Count == 0)
        {
            candidate.Copy(source.Path);
        }
        else
        {
            // Weights from the files beside the source come inside where one file can hold them.
            candidate.Save(source.Model);
        }

        if (!list.KeepsFormat)
        {
            done.Notes.Add(Note.Of(DiagnosticCatalogue.PassedThrough, source.Lifting is null ? reason : $"{reason}; it is lifted to float32, for ONNX Runtime does not compute its bfloat16 on a processor"));
        }
    }

    /// <param name="candidate">The artifact.</param>
    /// <param name="result">What it is worth.</param>
    /// <param name="obeyed">The recipe that made it because the project asks for it; null where it was our choice.</param>
    private Outcome OutcomeOf(ShippedForm candidate, ComparisonResult result, Recipe? obeyed = null) => new()
    {
        ArtifactSha256 = ContentDigest.OfFile(candidate.ArtifactPath),
        ExternalData = candidate.ExternalData,
        OriginalBytes = source.Bytes,
        ArtifactBytes = candidate.ArtifactBytes,
        Steps = [.. done.Steps],
        Notes = [.. done.Notes, .. NotesOn(candidate, result, obeyed)],
        Accuracy = result.Accuracy,
        Latency = result.Latency,
        LatencyReason = result.LatencyReason,
        Untried = result.Untried,
        Quantization = done.Quantization,
        TriedQuantization = done.Quantization is null ? tried : null,
        Multiplications = multiplications,
    };

    private IEnumerable<Note> NotesOn(ShippedForm candidate, ComparisonResult result, Recipe? obeyed)
    {
        if (obeyed is not null && result.Loss is { } loss)
        {
            yield return Note.Of(DiagnosticCatalogue.ObeyedAtALoss, obeyed.Name, loss);
        }

        if (target.SymmetricActivations && UntakenIntegers.In(Model.Load(candidate.ArtifactPath)) is { } untaken)
        {
            yield return Note.Of(DiagnosticCatalogue.IntegersNotTaken, untaken);
        }
    }

    private void CountAsUnpruned() => multiplications = multiplications is { Original: var original } ? new Multiplications(original, original) : null;

    private long? CountMultiplications(Model model)
    {
        IReadOnlyList<IReadOnlyList<Tensor>> inputs = TrialInputs.For(source.Session, evaluation ?? calibration);
        return MultiplicationCount.Of(model, inputs.Count == 0 ? null : new Sample(inputs[0], null));
    }
}
