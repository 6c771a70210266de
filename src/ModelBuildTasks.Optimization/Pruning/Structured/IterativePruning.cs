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
/// they fine-tune). What a channel is worth is looked at anew in each round, by slopes (<see cref="TaylorImportance"/>): they tell of small changes, and a round makes one.
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
        return untrained with { Explanation = $"Nothing was trained: {reason} {untrained.Explanation}" };
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
        PassContext sampled = context with { Calibration = context.Calibration is { Count: > 0 } ? context.Calibration : data, Progress = null };
        List<string> refusals = [], untrained = [];
        List<string> told = dead.Changed ? [dead.Explanation] : [];
        Model now = model;
        (int removable, int gone, int rounds) = (0, 0, 0);
        IReadOnlyDictionary<string, int>? fewest = null;
        string? reason = null;
        string trained = "";
        for (int round = 1; round <= Rounds; round++)
        {
            refusals.Clear();
            RemovalPlan? removal = Plan(now, sampled, refusals, out string? obstacle);
            reason ??= obstacle;
            if (removal is null && gone == 0)
            {
                break;
            }

            int before = gone;
            if (removal is not null)
            {
                removable = fewest is null ? removal.Removable : removable;
                fewest ??= removal.Fewest;
                double share = round == Rounds ? sparsity : sparsity * (1 - Math.Pow(1 - ((double)round / Rounds), 3));
                Removal chosen = removal.Choose((int)Math.Round(share * removable, MidpointRounding.AwayFromZero) - gone, fewest, context.CancellationToken);
                if (chosen.Classes.Count > 0)
                {
                    (now, string explanation) = removal.Apply(chosen, sampled, refusals);
                    (gone, rounds) = (gone + chosen.Classes.Count, rounds + 1);
                    told.Add(explanation);
                }
            }

            if (gone > before || (round == Rounds && gone > 0))
            {
                trained = Train(now, teacher, round, watch, context, untrained);
            }

            context.Progress?.Report((double)round / Rounds);
        }

        if (gone == 0)
        {
            reason ??= $"A sparsity of {sparsity.ToString(CultureInfo.InvariantCulture)} removes none of {removable} channels.";
            return dead.Changed ? PassOutcome.Applied($"{dead.Explanation} {reason}", refusals) : PassOutcome.Refused(reason, refusals);
        }

        model.Restore(now.TakeSnapshot());
        return PassOutcome.Applied(FormattableString.Invariant($"{gone} of {removable} channels went in {rounds} rounds, in {watch.Elapsed.TotalSeconds:0} s. {string.Join(' ', told)} {trained}"), [.. refusals, .. untrained]);
    }

    private RemovalPlan? Plan(Model model, PassContext context, List<string> refusals, out string? reason)
    {
        try
        {
            return RemovalPlan.Of(model, excluded, context, refusals, out reason, ChannelImportance.Taylor);
        }
        catch (Exception failure) when (failure is CalibrationException or InferenceException)
        {
            reason = $"The importance of channels cannot be measured: {failure.Message}.";
            return null;
        }
    }

    /// <summary>Trains a round's model where that brings it nearer to the teacher.</summary>
    /// <returns>A sentence on it.</returns>
    private string Train(Model model, Model teacher, int round, Stopwatch watch, PassContext context, List<string> untrained)
    {
        bool isLast = round == Rounds;
        double share = isLast ? 1 - ((Rounds - 1) * ShareOfRound) : ShareOfRound;
        TrainingPlan own = plan with
        {
            Epochs = plan.Epochs is { } epochs ? Math.Max(1, (int)Math.Round(share * epochs)) : null,
            DefaultSteps = Math.Max(1, (int)(share * plan.DefaultSteps)),
            Limit = plan.Limit is { } limit ? isLast ? TimeSpan.FromTicks(Math.Max(1, (limit - watch.Elapsed).Ticks)) : share * limit : null,
            CheckpointPath = isLast ? plan.CheckpointPath : null,
            Seed = unchecked(plan.Seed + round),
        };
        PassOutcome outcome = new Distillation(teacher, data, own) { IsClassifier = IsClassifier }.Apply(model, context);
        if (!outcome.Changed)
        {
            untrained.Add($"Round {round} was not trained: {outcome.Explanation}");
        }

        return outcome.Explanation;
    }
}
