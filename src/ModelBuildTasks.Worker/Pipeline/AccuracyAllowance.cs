using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Optimization;
using MetricKind = ModelBuildTasks.Evaluation.Metrics.MetricKind;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// What a model that <c>Auto</c> made may lose: the measured value decides, as where a budget passes. Quantization is held to <c>MaxAccuracyDrop</c>, pruning to every
/// accuracy budget; where none of these is written, to one point.
/// </summary>
internal sealed class AccuracyAllowance(OptimizationRequest request)
{
    /// <summary>What <c>Auto</c> lets a model lose when the project states no accuracy budget: one point, or a hundredth of likeness.</summary>
    private const double DefaultDrop = 0.01;

    private readonly bool isPruned = request.Settings.Pruning == Pruning.Auto;

    /// <param name="share">The part of the allowance that may be spent, above 0 to 1.</param>
    internal AccuracyVerdict Judge(AccuracyResult accuracy, double share = 1)
    {
        Loss[] losses = [.. Losses(accuracy, share)];
        // Errors and decibels have units of their own, in which no default would mean anything.
        Loss worst = losses.Length > 0
            ? losses.FirstOrDefault(loss => loss.IsTooMuch) ?? losses[0]
            : new Loss(accuracy.WorstCosine < 1 - share * DefaultDrop, FormattableString.Invariant(
                $"output '{accuracy.WorstOutput}' has a cosine similarity of {accuracy.WorstCosine:0.####} with the original's on {accuracy.Samples} samples, {(accuracy.WorstCosine < 1 - share * DefaultDrop ? "less than" : "of at least")} {1 - share * DefaultDrop:0.####}"));
        return new AccuracyVerdict(!worst.IsTooMuch, worst.Finding);
    }

    private IEnumerable<Loss> Losses(AccuracyResult accuracy, double share)
    {
        bool isDefault = request.Budgets.MaxAccuracyDrop is null && (!isPruned || (request.Budgets.MinAccuracy ?? request.Budgets.MaxClassAccuracyDrop) is null) && HasNoUnit(accuracy.Metric);
        if (accuracy.Drop is { } drop && (request.Budgets.MaxAccuracyDrop ?? (isDefault ? DefaultDrop : null)) is { } most)
        {
            yield return Of(drop.Value, share * most, $"{accuracy.Metric} drops by", $"on {accuracy.Samples} samples");
        }

        if (isPruned && request.Budgets.MinAccuracy is { } least)
        {
            yield return Bound(accuracy, least, share);
        }

        if (isPruned && request.Budgets.MaxClassAccuracyDrop is { } mostOfClass && accuracy.Classes.Count > 0)
        {
            ClassDrop worst = accuracy.Classes[0];
            yield return Of(worst.Drop.Value, share * mostOfClass, $"{worst} drops by", $"on {worst.Samples} samples");
            foreach (SliceDrop slice in accuracy.Slices.Take(1))
            {
                yield return Of(slice.Drop.Value, share * mostOfClass, $"{slice} drops by", $"on {slice.Samples} samples");
            }
        }
    }

    /// <summary>A part of the way from the original's score to the limit. Of decibels against the original, which has none, it is a part of the noise.</summary>
    private static Loss Bound(AccuracyResult accuracy, double limit, double share)
    {
        double bound = double.IsFinite(accuracy.Original.Value) ? accuracy.Original.Value + share * (limit - accuracy.Original.Value) : limit - 10 * Math.Log10(share);
        bool isTooMuch = accuracy.HigherIsBetter ? !(accuracy.Optimized.Value >= bound) : !(accuracy.Optimized.Value <= bound);
        return new Loss(isTooMuch, FormattableString.Invariant(
            $"{accuracy.Metric} becomes {accuracy.Optimized.Value:0.####} on {accuracy.Samples} samples, {(isTooMuch == accuracy.HigherIsBetter ? "below" : "above")} {bound:0.####}"));
    }

    private static Loss Of(double value, double limit, string what, string where) =>
        new(!(value <= limit), FormattableString.Invariant($"{what} {value:0.####} {where}, {(value <= limit ? "within" : "more than")} {limit:0.####}"));

    private static bool HasNoUnit(MetricKind metric) => metric is not (MetricKind.MeanSquaredError or MetricKind.MeanAbsoluteError or MetricKind.SignalToNoise);

    private sealed record Loss(bool IsTooMuch, string Finding);
}
