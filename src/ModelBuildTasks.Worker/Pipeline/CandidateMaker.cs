using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
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

/// <summary>Makes candidates of one model for one target: simplified, pruned, a recipe applied, fitted to what runs it, and written where what ships is. Whether one may ship others decide.</summary>
/// <param name="request">What was asked for.</param>
/// <param name="source">The model, which stays as it is.</param>
/// <param name="target">What it is made for.</param>
/// <param name="data">Samples to look at; null where there are none.</param>
/// <param name="shipped">Where candidates are written, one in the place of the other.</param>
internal sealed class CandidateMaker(OptimizationRequest request, SourceModel source, TargetProfile target, Dataset? data, ShippedForm shipped)
{
    private const string StudentName = "student";

    private const string TooLargeForOrt = "in ORT format, which is one file, it would have more than 2 GB";

    private readonly ArtifactFit fit = new(request, target);
    private readonly Lazy<Sample?> example = new(() => TrialInputs.For(source.Session, data) is [var first, ..] ? new Sample(first, null) : null);

    /// <summary>Where candidates are written.</summary>
    internal ShippedForm Shipped => shipped;

    /// <summary>What the model's own steps are: nothing, or whose place it takes, and how it became float32.</summary>
    internal void Load(AppliedSteps done)
    {
        if (source.Student is not null)
        {
            done.Steps.Add(new Step(StudentName, Applied: true, "The student takes the place of the model, which judges it."));
        }

        if (source.Start.Lifting is { } lift)
        {
            done.Steps.Add(lift);
        }
    }

    /// <summary>The simplified model, which every recipe starts from.</summary>
    internal Prepared Simplify(AppliedSteps done)
    {
        Model model = source.Start.Model.Clone();
        bool isSimplified = done.Apply(new GraphSimplification(request.Settings.DisabledRules), model);
        return new Prepared(model, isSimplified, IsPruned: false)
        {
            IsLifted = source.Start.Lifting is not null && request.Settings.Precision != Precision.Float32,
            IsStudent = source.Student is not null,
        };
    }

    /// <summary>The simplified model as it is pruned: integers and pruned weights are fitted in float32.</summary>
    /// <param name="simplified">It is not edited.</param>
    /// <param name="done">Told the steps.</param>
    internal Prepared Lift(Prepared simplified, AppliedSteps done)
    {
        Model model = simplified.Model.Clone();
        IModelPass[] lifting = Lifting(model);
        foreach (IModelPass pass in lifting)
        {
            done.Apply(pass, model);
        }

        return simplified with { Model = model, IsLifted = simplified.IsLifted || lifting.Length > 0 };
    }

    /// <summary>Prunes as the project asks by name, and trains what is left, so that doing nothing is a finding.</summary>
    internal Prepared Prune(IReadOnlyList<IModelPass> pruning, Prepared simplified, AppliedSteps done)
    {
        if (pruning.Count == 0)
        {
            return simplified;
        }

        AppliedSteps.Mark before = done.Now;
        Prepared lifted = Lift(simplified, done);
        (bool isPruned, bool isTrained) = (false, false);
        foreach (IModelPass pass in pruning)
        {
            if (pass is not KeptTraining training)
            {
                isPruned |= done.ApplyRequested(pass, lifted.Model);
            }
            else if (isPruned || training.IsNeeded)
            {
                bool isChanged = done.ApplyRequested(pass, lifted.Model);
                isTrained |= isChanged;
                isPruned |= isChanged && training.Prunes;
            }
        }

        if (!isPruned && !isTrained)
        {
            // What was lifted for it goes back, exactly.
            done.GiveUp(before, "nothing was pruned");
            return simplified;
        }

        return lifted with { IsPruned = isPruned, IsTrained = isTrained };
    }

    /// <summary>Applies a recipe to a copy of the prepared model.</summary>
    /// <param name="isRequested">Whether the project asks for it by name, so that doing nothing is a finding.</param>
    internal (Model Model, bool IsChanged) Apply(Recipe recipe, bool isRequested, Prepared prepared, AppliedSteps done, Lessons lessons)
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
            if (pass is KeptTraining)
            {
                // It trains what was quantized before it, and is named wherever it is.
                changed |= changed && done.ApplyRequested(pass, model, lessons);
                continue;
            }

            // What follows a pass that applied completes it, and need not find anything.
            changed |= isRequested && !changed ? done.ApplyRequested(pass, model, lessons) : done.Apply(pass, model, lessons);
        }

        bool isLifted = lifting.Length > 0;
        if (isPrepared && !changed)
        {
            model = prepared.Model.Clone();
            isLifted = false;
            done.GiveUp(before, "nothing came of it");
        }

        // Of a recipe that leaves the turn to the next, the last step says why.
        if ((isLifted || prepared.IsLifted) && (changed || isRequested || recipe.IsLossless) && !recipe.Passes.Any(pass => pass is Float16Storage or Float16Conversion))
        {
            done.Apply(target.ComputesFloat16 ? new Float16Conversion() : new Float16Storage(), model);
        }

        return (model, changed);
    }

    /// <summary>Writes a candidate.</summary>
    /// <returns>Why it can't ship; null when it was written.</returns>
    internal ComparisonResult? Save(Model model, AppliedSteps done)
    {
        if (fit.Apply(model, done) is { } unfit)
        {
            return new ComparisonResult(unfit) { Cause = RefusalCause.Runtime };
        }

        if (!shipped.CanShip(model))
        {
            return new ComparisonResult(TooLargeForOrt) { Cause = RefusalCause.Format };
        }

        Provenance.Write(model, request, target, done.Steps, source.Bytes);
        shipped.Save(model);
        return null;
    }

    /// <summary>Why a candidate is larger than what it is to replace, as a result; null when it is not.</summary>
    internal ComparisonResult? RefuseLarger(ComparisonResult compared)
    {
        (long bytes, long most) = (shipped.ArtifactBytes, source.PassedThroughBytes);
        return bytes <= most ? null
            : compared with { Refusal = $"its file would have {Quantities.Number(bytes)} bytes, more than the {Quantities.Number(most)} of the model itself", Cause = RefusalCause.Size };
    }

    /// <summary>Writes the source model itself, fitted to what runs it.</summary>
    /// <exception cref="UnfitForRuntimeException">The ONNX Runtime of the app can't run it.</exception>
    /// <exception cref="UnconvertibleException">It can't be written in the format.</exception>
    internal void CopySource(AppliedSteps done)
    {
        if (done.Steps is [{ Name: StudentName } student, ..])
        {
            done.Steps[0] = student with { Applied = false, Explanation = "The model itself ships, and not the student." };
        }

        AppliedSteps.Mark before = done.Now;
        Model fitted = source.Model.Clone();
        if (fit.Apply(fitted, done) is { } unfit)
        {
            throw new UnfitForRuntimeException(unfit);
        }

        if (!shipped.CanShip(fitted))
        {
            throw new UnconvertibleException(TooLargeForOrt);
        }

        if (source.Lifting is not null || done.Steps.Skip(before.Steps).Any(step => step.Applied))
        {
            Provenance.Write(fitted, request, target, done.Steps, source.Bytes);
            shipped.Save(fitted);
        }
        else if (target.KeepsEnginesByName)
        {
            Provenance.WriteTypes(fitted);
            shipped.Save(fitted);
        }
        else if (source.Model.ExternalDataFiles.Count == 0)
        {
            shipped.Copy(source.Path);
        }
        else
        {
            // Weights from the files beside the source come inside where one file can hold them.
            shipped.Save(source.Model);
        }
    }

    /// <summary>What is known of the candidate that was written last.</summary>
    /// <param name="result">What it is worth.</param>
    /// <param name="done">What was done to it.</param>
    /// <param name="pinned">How it is made again.</param>
    internal Outcome OutcomeOf(ComparisonResult result, AppliedSteps done, PinnedRecipe pinned) => new()
    {
        ArtifactSha256 = ContentDigest.OfFile(shipped.ArtifactPath),
        ExternalData = shipped.ExternalData,
        OriginalBytes = source.Bytes,
        ArtifactBytes = shipped.ArtifactBytes,
        Steps = [.. done.Steps],
        Notes = [.. done.Notes, .. UntakenNote()],
        Accuracy = result.Accuracy,
        DrawnCosine = result.DrawnCosine,
        Latency = result.Latency,
        LatencyReason = result.LatencyReason,
        Untried = result.Untried,
        Quantization = done.Quantization,
        Recipe = pinned,
    };

    /// <summary>Multiplications before and after pruning, or of the source and a student; null where no layer can be counted. Quantization changes what is multiplied and not how much.</summary>
    internal Multiplications? Count(Prepared before, Prepared after) =>
        MultiplicationCount.Of(before.IsStudent ? source.Model : before.Model, example.Value) is { } original && MultiplicationCount.Of(after.Model, example.Value) is { } left ? new Multiplications(original, left) : null;

    private IEnumerable<Note> UntakenNote() =>
        target.SymmetricActivations && UntakenIntegers.In(Model.Load(shipped.ArtifactPath)) is { } untaken ? [Note.Of(DiagnosticCatalogue.IntegersNotTaken, untaken)] : [];

    /// <summary>Integers and pruned weights are fitted in float32, to which a processor that has no 16-bit kernels converts anyway. By itself that doubles the file and gains no time.</summary>
    private IModelPass[] Lifting(Model model) =>
        source.Start.Lifting is null && Float32Conversion.IsHalf(model) ? [new Float32Conversion(), new GraphSimplification(request.Settings.DisabledRules)] : [];
}
