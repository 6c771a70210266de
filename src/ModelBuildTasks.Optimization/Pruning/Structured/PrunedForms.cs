using System.Globalization;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// Forms of one model with more and more of its channels removed. What may go and what it is worth is looked at once for all of them; each is then what <see cref="StructuredPruning"/> makes of the
/// model with its share. Not for several threads at once.
/// </summary>
public sealed class PrunedForms
{
    private readonly Model model;
    private readonly RemovalPlan plan;
    private readonly PassContext context;
    private readonly PassOutcome dead;
    private readonly List<string> refusals;
    private readonly Dictionary<double, Removal> removals = [];

    private PrunedForms(Model model, RemovalPlan plan, PassContext context, PassOutcome dead, List<string> refusals)
    {
        this.model = model;
        this.plan = plan;
        this.context = context;
        this.dead = dead;
        this.refusals = refusals;
    }

    /// <summary>Removes a model's dead channels, and looks at what else may go.</summary>
    /// <param name="model">Loses its dead channels, and must stay as it then is: forms are made from it.</param>
    /// <param name="excluded">Layers that keep the channels that they make, and so do all that are coupled to them.</param>
    /// <param name="context">Its samples tell what channels are worth, and forms are refitted with them. Without samples, magnitude tells, and nothing is refitted.</param>
    /// <param name="outcome">What was done to the model, and why channels stay.</param>
    /// <returns>Null where nothing else can be removed, with the reason in <paramref name="outcome"/>.</returns>
    /// <exception cref="OperationCanceledException">The build was cancelled.</exception>
    public static PrunedForms? Of(Model model, ExcludedLayers? excluded, PassContext context, out PassOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        PassOutcome dead = new DeadChannels(excluded).Apply(model, context);
        List<string> refusals = [];
        try
        {
            if (RemovalPlan.Of(model, excluded, context, refusals, out string? reason) is { } plan)
            {
                PrunedForms forms = new(model, plan, context, dead, refusals);
                outcome = forms.Unpruned($"{plan.Removable} channels may go.");
                return forms;
            }

            outcome = Ended(dead, reason!, refusals);
        }
        catch (Exception failure) when (failure is CalibrationException or InferenceException)
        {
            outcome = Ended(dead, $"The importance of channels cannot be measured: {failure.Message}.", refusals);
        }

        return null;
    }

    /// <summary>How many channels may go.</summary>
    public int Removable => plan.Removable;

    /// <summary>The share of the layers' time that is left by prediction, 0 to 1, without a <paramref name="share"/> of the channels; nothing is refitted for it.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="share"/> is not in 0..1.</exception>
    public double TimeLeft(double share) => RemovalOf(share).TimeLeft;

    /// <summary>Whether two shares remove the same channels, so that they give one form.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A share is not in 0..1.</exception>
    public bool AreSame(double share, double other) => RemovalOf(share).Classes.SetEquals(RemovalOf(other).Classes);

    /// <summary>The form without a share of the channels, refitted to the model where there are samples.</summary>
    /// <param name="share">Of <see cref="Removable"/>, 0 to 1; fewer go where no step of <see cref="ChannelSelection.Multiple"/> fits.</param>
    /// <returns>A model of its own each time, and what was done to it. A share that removes no channel gives a copy of the model.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="share"/> is not in 0..1.</exception>
    /// <exception cref="OperationCanceledException">The build was cancelled.</exception>
    public (Model Pruned, PassOutcome Outcome) At(double share)
    {
        Removal removal = RemovalOf(share);
        if (removal.Classes.Count == 0)
        {
            return (model.Clone(), Unpruned($"A sparsity of {share.ToString(CultureInfo.InvariantCulture)} removes none of {Removable} channels."));
        }

        List<string> reasons = [.. refusals];
        (Model pruned, string explanation) = plan.Apply(removal, context, reasons);
        return (pruned, PassOutcome.Applied(dead.Changed ? $"{dead.Explanation} {explanation}" : explanation, reasons));
    }

    /// <summary>The outcome where no channels go but the dead ones.</summary>
    internal PassOutcome Unpruned(string explanation) => Ended(dead, explanation, refusals);

    private static PassOutcome Ended(PassOutcome dead, string explanation, List<string> refusals) =>
        dead.Changed ? PassOutcome.Applied($"{dead.Explanation} {explanation}", refusals) : PassOutcome.Refused(explanation, refusals);

    private Removal RemovalOf(double share)
    {
        if (share is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(share), share, "A share is 0 to 1.");
        }

        if (!removals.TryGetValue(share, out Removal? removal))
        {
            removals.Add(share, removal = plan.Choose(share, context.CancellationToken));
        }

        return removal;
    }
}
