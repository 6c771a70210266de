using System.Globalization;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// Removes the largest share of a model's channels with which it keeps its accuracy (<see cref="PassContext.JudgeAccuracy"/>), by bisection: a share is removed and the rest refitted as
/// <see cref="StructuredPruning"/> does, then judged. What may go and what it is worth is looked at once for all shares. Accuracy is taken to fall with the share; where it does
/// not, a share that keeps it is found, if not the largest.
/// </summary>
/// <param name="excluded">Layers that keep the channels that they make.</param>
public sealed class AutomaticPruning(ExcludedLayers? excluded = null) : IModelPass
{
    /// <summary>Each takes a refit and an evaluation; the share is then known to 1/32.</summary>
    private const int Halvings = 5;

    /// <summary>What saves less of the layers' time, by prediction, is not worth what is lost: the prediction may be wrong by as much.</summary>
    private const double LeastSaving = 0.05;

    public string Name => "automatic pruning";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (context.Calibration is not { Count: > 0 } || context.JudgeAccuracy is not { } judge)
        {
            return PassOutcome.Refused("Automatic pruning needs calibration samples to refit to and evaluation samples to be judged by.");
        }

        PassOutcome dead = new DeadChannels(excluded).Apply(model, context);
        List<string> refusals = [];
        try
        {
            return RemovalPlan.Of(model, excluded, context, refusals, out string? reason) is { } plan
                ? Search(plan, judge, model, context, dead, refusals)
                : StructuredPruning.Ended(dead, reason!, refusals);
        }
        catch (Exception failure) when (failure is CalibrationException or InferenceException)
        {
            return StructuredPruning.Ended(dead, $"The importance of channels cannot be measured: {failure.Message}.", refusals);
        }
    }

    private static PassOutcome Search(RemovalPlan plan, Func<Model, AccuracyVerdict> judge, Model model, PassContext context, PassOutcome dead, List<string> refusals)
    {
        double most = 1 - plan.Choose(1, context.CancellationToken).TimeLeft;
        if (most < LeastSaving)
        {
            return StructuredPruning.Ended(
                dead, string.Create(CultureInfo.InvariantCulture, $"The {plan.Removable} channels that may go save {most:P0} of the layers' time by prediction; below {LeastSaving:P0} it is not worth what is lost."), refusals);
        }

        // Verdicts of all trials, the model of the best alone.
        Dictionary<IReadOnlySet<int>, AccuracyVerdict> verdicts = new(SameChannels.Instance);
        List<string> tried = [];
        Trial? best = null;
        (double low, double high) = (0, 1);
        for (int i = 0; i < Halvings; i++)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            context.Progress?.Report((double)i / Halvings);
            double share = (low + high) / 2;
            Removal removal = plan.Choose(share, context.CancellationToken);
            if (1 - removal.TimeLeft < LeastSaving)
            {
                tried.Add(string.Create(CultureInfo.InvariantCulture, $"{share:P0} would save less than {LeastSaving:P0} of the layers' time"));
                low = share;
                continue;
            }

            if (!verdicts.TryGetValue(removal.Classes, out AccuracyVerdict? verdict))
            {
                List<string> trialRefusals = [];
                (Model pruned, string explanation) = plan.Apply(removal, context with { Progress = null }, trialRefusals);
                verdicts.Add(removal.Classes, verdict = judge(pruned));
                tried.Add(string.Create(CultureInfo.InvariantCulture, $"{share:P0}: {verdict.Finding} ({(verdict.IsKept ? "kept" : "rejected")})"));

                // Shares that are judged after one that was kept are larger, and what is known already is the best itself or was rejected.
                best = verdict.IsKept ? new Trial(pruned, explanation, trialRefusals) : best;
            }

            (low, high) = verdict.IsKept ? (share, high) : (low, share);
        }

        string account = $"Tried, as shares of the {plan.Removable} channels that may go: {string.Join("; ", tried)}.";
        if (best is null)
        {
            return StructuredPruning.Ended(dead, $"No share of the channels that is worth it keeps the accuracy. {account}", refusals);
        }

        model.Restore(best.Pruned.TakeSnapshot());
        refusals.AddRange(best.Refusals);
        return StructuredPruning.Ended(dead, $"{best.Explanation} {account}", refusals, isPruned: true);
    }

    private sealed record Trial(Model Pruned, string Explanation, List<string> Refusals);

    private sealed class SameChannels : IEqualityComparer<IReadOnlySet<int>>
    {
        internal static SameChannels Instance { get; } = new();

        public bool Equals(IReadOnlySet<int>? x, IReadOnlySet<int>? y) => x is not null && y is not null && x.SetEquals(y);

        public int GetHashCode(IReadOnlySet<int> channels) => channels.Aggregate(channels.Count, (hash, channel) => hash ^ channel);
    }
}
