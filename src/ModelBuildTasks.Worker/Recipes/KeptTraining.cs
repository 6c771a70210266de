using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>
/// A pass that trains, and is spared where what it made is kept: training takes minutes, and another processor's arithmetic ends in other weights. What the lock file pins is put in place without training; else what
/// was trained is kept by its SHA-256, for the lock file to pin.
/// </summary>
/// <param name="name">The technique's name.</param>
/// <param name="isNeeded">Whether it has something to do where nothing was done to the model before.</param>
/// <param name="training">Makes the pass.</param>
/// <param name="school">What it is trained with, and where that is kept.</param>
internal sealed class KeptTraining(string name, bool isNeeded, Func<TrainingTask, IModelPass> training, School school) : IModelPass
{
    public string Name => name;

    internal bool IsNeeded => isNeeded;

    /// <summary>Whether it removes something itself, while it trains.</summary>
    internal bool Prunes { get; init; }

    /// <exception cref="UnusableWeightsException">A file in the place of the pinned weights holds something else.</exception>
    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (school.Pinned is [var pinned, ..] && school.Kept.Find(pinned, model) is { } kept)
        {
            model.Restore(kept.Model.TakeSnapshot());
            return PassOutcome.Applied($"It was made before: the weights that the lock file pins lie in {kept.Place}.") with { TrainedWeights = pinned };
        }

        // What prunes while it trains did so all the same.
        if (school.IsLocked && school.Pinned.Count == 0 && !Prunes)
        {
            return PassOutcome.Refused("training brought nothing when the lock file was written");
        }

        string work = school.WorkOn(model, name, Prunes ? context.Target : null);
        // The same training for another target may be under way.
        using IDisposable? exclusive = school.Kept.Lock(work, context.CancellationToken);
        if (school.Kept.FindOf(work, model) is var (earlier, sha256))
        {
            model.Restore(earlier.TakeSnapshot());
            return PassOutcome.Applied("It was made before, and lies in the cache.") with { TrainedWeights = sha256 };
        }

        PassOutcome outcome = training(school.Task(school.CheckpointOf(work))).Apply(model, context);
        return outcome.Changed ? outcome with { TrainedWeights = school.Kept.Keep(model, work) } : outcome;
    }
}
