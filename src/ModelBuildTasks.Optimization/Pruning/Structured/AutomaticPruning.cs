using System.Globalization;
using ModelBuildTasks.Onnx;

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

        // Trials have no progress of their own.
        return PrunedForms.Of(model, excluded, context with { Progress = null }, out PassOutcome outcome) is { } forms ? Search(forms, judge, model, context) : outcome;
    }

    private static PassOutcome Search(PrunedForms forms, Func<Model, AccuracyVerdict> judge, Model model, PassContext context)
    {
        double most = 1 - forms.TimeLeft(1);
        if (most < LeastSaving)
        {
            return forms.Unpruned(
                string.Create(CultureInfo.InvariantCulture, $"The {forms.Removable} channels that may go save {most:P0} of the layers' time by prediction; below {LeastSaving:P0} it is not worth what is lost."));
        }

        // Verdicts of all trials, the model of the best alone.
        List<(double Share, AccuracyVerdict Verdict)> verdicts = [];
        List<string> tried = [];
        (Model Pruned, PassOutcome Outcome)? best = null;
        (double low, double high) = (0, 1);
        for (int i = 0; i < Halvings; i++)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            context.Progress?.Report((double)i / Halvings);
            double share = (low + high) / 2;
            if (1 - forms.TimeLeft(share) < LeastSaving)
            {
                tried.Add(string.Create(CultureInfo.InvariantCulture, $"{share:P0} would save less than {LeastSaving:P0} of the layers' time"));
                low = share;
                continue;
            }

            AccuracyVerdict? verdict = verdicts.Find(judged => forms.AreSame(judged.Share, share)).Verdict;
            if (verdict is null)
            {
                (Model Pruned, PassOutcome) trial = forms.At(share);
                verdicts.Add((share, verdict = judge(trial.Pruned)));
                tried.Add(string.Create(CultureInfo.InvariantCulture, $"{share:P0}: {verdict.Finding} ({(verdict.IsKept ? "kept" : "rejected")})"));

                // Shares that are judged after one that was kept are larger, and what is known already is the best itself or was rejected.
                best = verdict.IsKept ? trial : best;
            }

            (low, high) = verdict.IsKept ? (share, high) : (low, share);
        }

        string account = $"Tried, as shares of the {forms.Removable} channels that may go: {string.Join("; ", tried)}.";
        if (best is not var (pruned, outcome))
        {
            return forms.Unpruned($"No share of the channels that is worth it keeps the accuracy. {account}");
        }

        model.Restore(pruned.TakeSnapshot());
        return outcome with { Explanation = $"{outcome.Explanation} {account}" };
    }
}
