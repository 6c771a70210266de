using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Optimization;
using MetricKind = ModelBuildTasks.Evaluation.Metrics.MetricKind;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>What the accuracy of a form is held to.</summary>
internal enum Proof
{
    /// <summary>What the project asked for by name: the budgets judge it, and say so, after it was made.</summary>
    Budgets,

    /// <summary>The measured value keeps what is allowed, as where a budget passes.</summary>
    Value,

    /// <summary>
    /// The measured value keeps it with a standard error to spare (Breiman et al., Classification and Regression Trees, 1984, § 3.4.3): of many forms that were looked at on the same samples, the last that just
    /// keeps the value owes that to luck as often as not, and other samples would tell.
    /// </summary>
    Margin,
}

/// <summary>
/// What a model that <c>Auto</c> made may lose. Quantization is held to <c>MaxAccuracyDrop</c>, pruning to every accuracy budget; where none of these is written, to one point.
/// </summary>
internal sealed class AccuracyAllowance(OptimizationRequest request)
{
    /// <summary>What <c>Auto</c> lets a model lose when the project states no accuracy budget: one point, or a hundredth of likeness.</summary>
    private const double DefaultDrop = 0.01;

    /// <summary>Standard errors in half of a 95 % interval.</summary>
    private const double ErrorsOfInterval = 1.96;

    private readonly bool isPruned = request.Settings.Pruning == Pruning.Auto;

    /// <param name="accuracy">What was measured.</param>
    /// <param name="proof">What keeps the allowance. Of a limit of 0 and of single classes the value does in any case: few samples could never prove more.</param>
    internal AccuracyVerdict Judge(AccuracyResult accuracy, Proof proof = Proof.Value)
    {
        Loss[] losses = [.. Losses(accuracy, proof)];
        // Errors and decibels have units of their own, in which no default would mean anything.
        Loss worst = losses.Length > 0
            ? losses.FirstOrDefault(loss => loss.IsTooMuch) ?? losses[0]
            : new Loss(accuracy.WorstCosine < 1 - DefaultDrop, FormattableString.Invariant(
                $"output '{accuracy.WorstOutput}' has a cosine similarity of {accuracy.WorstCosine:0.####} with the original's on {accuracy.Samples} samples, {(accuracy.WorstCosine < 1 - DefaultDrop ? "less than" : "of at least")} {1 - DefaultDrop:0.####}"));
        return new AccuracyVerdict(!worst.IsTooMuch, worst.Finding);
    }

    private IEnumerable<Loss> Losses(AccuracyResult accuracy, Proof proof)
    {
        bool isDefault = request.Budgets.MaxAccuracyDrop is null && (!isPruned || (request.Budgets.MinAccuracy ?? request.Budgets.MaxClassAccuracyDrop) is null) && HasNoUnit(accuracy.Metric);
        if (accuracy.Drop is { } drop && (request.Budgets.MaxAccuracyDrop ?? (isDefault ? DefaultDrop : null)) is { } most)
        {
            yield return Of(drop, most, $"{accuracy.Metric} drops by", $"on {accuracy.Samples} samples", hasMargin: proof == Proof.Margin);
        }

        // Scores may be alike where the answer is another. Without labels that is all there is to tell how far something may be pushed.
        if (proof == Proof.Margin && !accuracy.Labelled && accuracy.Agreement is { } agreement && HasNoUnit(accuracy.Metric))
        {
            yield return Of(Estimate.Exact(1 - agreement), request.Budgets.MaxAccuracyDrop ?? DefaultDrop, "the share of samples to which it gives another class is", $"on {accuracy.Samples} samples", hasMargin: false);
        }

        if (isPruned && request.Budgets.MinAccuracy is { } least)
        {
            yield return Bound(accuracy, least, proof);
        }

        if (isPruned && request.Budgets.MaxClassAccuracyDrop is { } mostOfClass && accuracy.Classes.Count > 0)
        {
            ClassDrop worst = accuracy.Classes[0];
            yield return Of(worst.Drop, mostOfClass, $"{worst} drops by", $"on {worst.Samples} samples", hasMargin: false);
            foreach (SliceDrop slice in accuracy.Slices.Take(1))
            {
                yield return Of(slice.Drop, mostOfClass, $"{slice} drops by", $"on {slice.Samples} samples", hasMargin: false);
            }
        }
    }

    private static Loss Bound(AccuracyResult accuracy, double bound, Proof proof)
    {
        // What chance can have added by this choice of samples is the same for the drop.
        double luck = proof == Proof.Margin && accuracy.Drop is { } drop ? ErrorOf(drop) : 0;
        // Where the original lacks it itself, what is no worse is not to blame.
        bool isNoWorse = accuracy.Drop is { Value: <= 0 } && proof != Proof.Margin;
        bool isTooMuch = !isNoWorse && (accuracy.HigherIsBetter ? !(accuracy.Optimized.Value - luck >= bound) : !(accuracy.Optimized.Value + luck <= bound));
        return new Loss(isTooMuch, FormattableString.Invariant(
            $"{accuracy.Metric} becomes {accuracy.Optimized.Value:0.####} on {accuracy.Samples} samples, {(isTooMuch == accuracy.HigherIsBetter ? "below" : "above")} {bound:0.####}"));
    }

    private static Loss Of(Estimate drop, double limit, string what, string where, bool hasMargin)
    {
        // A gain is as much a matter of luck as a loss: it does not pay for what other samples may show.
        double lost = hasMargin ? Math.Max(0, drop.Value) : drop.Value;
        double held = hasMargin ? lost + ErrorOf(drop) : lost;
        string error = hasMargin ? FormattableString.Invariant($" with a standard error of {ErrorOf(drop):0.####}") : "";
        return new Loss(!(held <= limit), FormattableString.Invariant($"{what} {lost:0.####}{error} {where}, {(held <= limit ? "within" : hasMargin ? "together more than" : "more than")} {limit:0.####}"));
    }

    private static double ErrorOf(Estimate drop) => (drop.High - drop.Value) / ErrorsOfInterval;

    private static bool HasNoUnit(MetricKind metric) => metric is not (MetricKind.MeanSquaredError or MetricKind.MeanAbsoluteError or MetricKind.SignalToNoise);

    private sealed record Loss(bool IsTooMuch, string Finding);
}
