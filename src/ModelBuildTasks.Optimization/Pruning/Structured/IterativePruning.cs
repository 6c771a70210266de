using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Training;
using ModelBuildTasks.Optimization.Training.Distilling;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// Removes channels in rounds, with a training in between and a longer one in the end, in which what is left learns to answer as the whole model does (as Molchanov et al., 2017 and 2019, remove some filters at a time while
/// they fine-tune). What a channel is worth is looked at anew in each round (<see cref="RoundRemoval"/>).
/// </summary>
/// <param name="data">Samples of real input to learn from; they need no labels.</param>
/// <param name="plan">How long and how for all rounds together.</param>
/// <param name="sparsity">Share of the removable channels that go, as of <see cref="StructuredPruning"/>.</param>
/// <param name="excluded">Layers that keep the channels that they make. They learn with the others.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="sparsity"/> is not in 0..1.</exception>
public sealed class IterativePruning(Dataset data, TrainingPlan plan, double sparsity, ExcludedLayers? excluded = null) : IModelPass
{
    /// <summary>Rounds, of which later ones remove less (Zhu and Gupta, 2017, equation 1).</summary>
    private const int Rounds = 4;

    /// <summary>Share of the training of each round but the last, which has the rest.</summary>
    private const double ShareOfRound = 0.1;

    /// <summary>Share of the time that choosing, removing and refitting may take; where all rounds would take more, the channels that are left to remove go in the one that tells so.</summary>
    private const double ShareOfRemoving = 0.3;

    private readonly double sparsity = sparsity is >= 0 and <= 1 ? sparsity : throw new ArgumentOutOfRangeException(nameof(sparsity), sparsity, "A sparsity is a share, 0 to 1.");

    public string Name => "iterative structured pruning";

    /// <inheritdoc cref="Distillation.IsClassifier"/>
    public bool IsClassifier { get; init; }

    /// <summary>What is learned from; null for the model itself, as it was before.</summary>
    public Model? Teacher { get; init; }

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (Reason(model) is not { } reason)
        {
            return Iterate(model, context);
        }

        PassOutcome untrained = new StructuredPruning(sparsity, excluded).Apply(model, context);
        return untrained with { Explanation = $"Nothing was trained: {reason} {untrained.Explanation}", Untrained = reason };
    }

    private string? Reason(Model model) =>
        data.Count == 0 ? "There is no sample to learn from."
        : TrainableWeights.Of(model).Count == 0 ? "No weight can be trained."
        : null;

    private PassOutcome Iterate(Model model, PassContext context)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Model teacher = Teacher ?? model.Clone();
        PassOutcome dead = new DeadChannels(excluded).Apply(model, context);
        PassContext sampled = DistillationRun.Fitting(context, data, plan) with { Progress = null };
        RoundRemoval removal = new(teacher, DistillationRun.Part(data, plan).Held, excluded, ShareOfRemoving * plan.Limit / (2 * Rounds));
        List<string> refusals = [], untrained = [];
        List<string> told = dead.Changed ? [dead.Explanation] : [];
        Model now = model;
        (int gone, int rounds, int trainings) = (0, 0, 0);
        string? reason = null;
        string trained = "";
        TimeSpan removing = TimeSpan.Zero;
        bool isLast = false;
        for (int round = 1; !isLast; round++)
        {
            TimeSpan begun = watch.Elapsed;
            isLast = round == Rounds || (rounds > 0 && removing * ((double)Rounds / rounds) > ShareOfRemoving * plan.Limit);
            double share = isLast ? sparsity : sparsity * (1 - Math.Pow(1 - ((double)round / Rounds), 3));
            refusals.Clear();
            int roundsBefore = rounds;
            if (removal.Remove(now, share, gone, sampled, refusals, out string? obstacle) is var (pruned, count, explanation))
            {
                (now, gone, rounds) = (pruned, gone + count, rounds + 1);
                told.Add(explanation);
            }
            else if (obstacle is not null && gone == 0)
            {
                return Nothing(dead, obstacle, refusals);
            }

            reason ??= obstacle;
            removing += watch.Elapsed - begun;
            if (rounds > roundsBefore || (isLast && gone > 0))
            {
                TrainingShare own = new(roundsBefore, isLast);
                TrainingPlan part = PlanOf(round, own, watch.Elapsed);
                if (part.Epochs != 0)
                {
                    trainings++;
                    trained = Train(now, teacher, round, own, part, watch, context, untrained);
                }
            }

            context.Progress?.Report((double)round / Rounds);
        }

        if (gone == 0)
        {
            return Nothing(dead, reason ?? $"A sparsity of {sparsity.ToString(CultureInfo.InvariantCulture)} removes none of {removal.Removable} channels.", refusals);
        }

        model.Restore(now.TakeSnapshot());
        DeleteCheckpoints();
        return PassOutcome.Applied(FormattableString.Invariant($"{gone} of {removal.Removable} channels went, rounds: {rounds}, in {watch.Elapsed.TotalSeconds:0} s. {trained}"), [.. told, .. refusals, .. untrained]) with
        {
            Untrained = untrained.Count < trainings ? null : trained,
        };
    }

    private static PassOutcome Nothing(PassOutcome dead, string reason, List<string> refusals) =>
        dead.Changed ? PassOutcome.Applied($"{dead.Explanation} {reason}", refusals) : PassOutcome.Refused(reason, refusals);

    /// <summary>A round's share of the plan.</summary>
    private TrainingPlan PlanOf(int round, TrainingShare own, TimeSpan elapsed) => plan with
    {
        Epochs = plan.Epochs is { } epochs ? own.Of(epochs) : null,
        DefaultSteps = Math.Max(1, own.Of(plan.DefaultSteps)),
        Limit = plan.Limit is { } limit ? own.IsLast ? TimeSpan.FromTicks(Math.Max(1, (limit - elapsed).Ticks)) : own.Length * limit : null,
        CheckpointPath = CheckpointOf(round),
        KeepsCheckpoint = true,
        Seed = unchecked(plan.Seed + round),
    };

    /// <summary>Trains a round's model where that brings it nearer to the teacher.</summary>
    /// <returns>A sentence on it.</returns>
    private string Train(Model model, Model teacher, int round, TrainingShare own, TrainingPlan part, Stopwatch watch, PassContext context, List<string> untrained)
    {
        RoundProgress? told = context.Training is { } whole ? new RoundProgress(whole, plan, own, watch) : null;
        PassOutcome outcome = new Distillation(teacher, data, part) { IsClassifier = IsClassifier }.Apply(model, context with { Training = told });
        if (!outcome.Changed)
        {
            untrained.Add($"Round {round} was not trained: {outcome.Explanation}");
        }

        return outcome.Explanation;
    }

    /// <summary>Each round has its own, which stays until all have ended: whoever goes on after a kill removes the same channels again, which takes little, and finds what the rounds before were trained to.</summary>
    private string? CheckpointOf(int round) => plan.CheckpointPath is { } path ? $"{path}.{round}" : null;

    private void DeleteCheckpoints()
    {
        foreach (string path in Enumerable.Range(1, Rounds).Select(CheckpointOf).OfType<string>())
        {
            TrainingCheckpoint.Delete(path);
        }
    }

    /// <summary>A round's part of the training.</summary>
    /// <param name="Before">Rounds before it that removed something.</param>
    /// <param name="IsLast">Whether it has the rest.</param>
    private readonly record struct TrainingShare(int Before, bool IsLast)
    {
        /// <summary>Where it begins, 0 to 1.</summary>
        internal double Start => Before * ShareOfRound;

        internal double Length => IsLast ? 1 - Start : ShareOfRound;

        /// <summary>Its part of a whole number, which may be none of a small one. All parts together are that number.</summary>
        internal int Of(int whole) => (IsLast ? whole : By(Before + 1, whole)) - By(Before, whole);

        private static int By(int rounds, int whole) => (int)Math.Round(rounds * ShareOfRound * whole, MidpointRounding.ToZero);
    }

    /// <summary>How far a round is, as a share of all of them.</summary>
    private sealed class RoundProgress(IProgress<TrainingProgress> whole, TrainingPlan plan, TrainingShare own, Stopwatch watch) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            double done = own.Start + (own.Length * value.Share);
            whole.Report(value with { Share = done, Left = plan.Left(watch.Elapsed, done, 1 - done) });
        }
    }
}
