using System.Globalization;
using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// Removes whole channels, neurons, heads and hidden units with everything that is coupled to them, so that layers become smaller and faster (Fang et al., "DepGraph", 2023).
/// What goes is chosen by what it saves in time for what the outputs lose. The removal is exact: it gives what the model gives with the weights that read these channels at zero. With samples, what is
/// left is then refitted to the original.
/// </summary>
/// <param name="sparsity">Share of the removable channels that go, 0 to 1; fewer where no step of <see cref="ChannelSelection.Multiple"/> fits. With 0, dead channels alone.</param>
/// <param name="excluded">Layers that keep the channels that they make, and so do all that are coupled to them. What they read may shrink.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="sparsity"/> is not in 0..1.</exception>
public sealed class StructuredPruning(double sparsity, ExcludedLayers? excluded = null) : IModelPass
{
    /// <summary>Samples that moments are taken from.</summary>
    private const int MomentSamples = 64;

    /// <summary>Samples that tell how a layer's error shows in the outputs; each set of channels costs a run of all.</summary>
    private const int SensitivitySamples = 8;

    /// <summary>So many channels of a set are masked to see how its loss shows in the outputs that the layers which read them lose this share. Fewer would show little but their own noise.</summary>
    private const double ProbedLoss = 0.1;

    private readonly double sparsity = sparsity is >= 0 and <= 1 ? sparsity : throw new ArgumentOutOfRangeException(nameof(sparsity), sparsity, "A sparsity is a share, 0 to 1.");

    public string Name => "structured pruning";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        PassOutcome dead = new DeadChannels(excluded).Apply(model, context);
        DependencyGraph graph = DependencyGraph.Of(model);
        List<string> refusals = Refusals(graph);
        List<ChannelSet> sets = [.. ChannelSet.Of(graph).Where(set => !IsExcluded(set, refusals))];
        int removable = sets.Sum(set => set.Classes.Length);
        if (sets.Count == 0)
        {
            return Ended(dead, "The model has no channels that can be removed.", refusals);
        }

        if (graph.Channels.Keys.FirstOrDefault(axis => axis.Value.Constant is { ElementType: ElementType.Float } weight && !TensorPrimitives.IsFiniteAll(weight.Span<float>())) is { Value: { } broken })
        {
            return Ended(dead, $"'{broken.Name}' holds weights that are not finite.", refusals);
        }

        try
        {
            LatencyModel latency = new(graph, context.Calibration?.Read().FirstOrDefault());
            ChannelSelection selection = new(sets, Orders(graph, sets, context), latency);
            HashSet<int> removed = selection.Take((int)Math.Round(sparsity * removable, MidpointRounding.AwayFromZero), context.CancellationToken);
            if (removed.Count == 0)
            {
                return Ended(dead, $"A sparsity of {sparsity.ToString(CultureInfo.InvariantCulture)} removes none of {removable} channels.", refusals);
            }

            string explanation = Describe(selection, latency, removed, removable);
            Model original = model.Clone();
            Dictionary<string, int[]> kept = ChannelRemoval.KeptResults(graph, removed);
            ChannelRemoval.Apply(graph, removed);
            if (context.Calibration is { Count: > 0 })
            {
                explanation += " " + Reconstruction.RefitOrRestore(original, model, kept, ExcludedLayers.None, context, refusals);
            }

            return PassOutcome.Applied(dead.Changed ? $"{dead.Explanation} {explanation}" : explanation, refusals);
        }
        catch (Exception failure) when (failure is CalibrationException or InferenceException)
        {
            return Ended(dead, $"The importance of channels cannot be measured: {failure.Message}.", refusals);
        }
    }

    private bool IsExcluded(ChannelSet set, List<string> refusals)
    {
        if (set.Makers.FirstOrDefault(maker => excluded?.Contains(maker) == true) is not { } maker)
        {
            return false;
        }

        refusals.Add($"{set.Classes.Length} channels stay: the project excludes {DependencyGraph.Describe(maker)}.");
        return true;
    }

    /// <summary>By samples where there are some, each order's losses in terms of the outputs; by magnitude otherwise.</summary>
    private static List<RemovalOrder> Orders(DependencyGraph graph, List<ChannelSet> sets, PassContext context)
    {
        if (context.Calibration is not { Count: > 0 } samples || graph.Model.Graph.Inputs.Any(input => input.Initializer is null && input.Type?.ElementType == ElementType.Float16))
        {
            return [.. sets.Select(set => Scaled(MagnitudeImportance.Of(graph, set), 1))];
        }

        List<RemovalOrder> orders = ReconstructionImportance.Of(graph, sets, samples.Take(MomentSamples), context.CancellationToken);
        OutputSensitivity sensitivity = new(graph, samples.Take(SensitivitySamples));
        for (int i = 0; i < orders.Count; i++)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            context.Progress?.Report((double)i / orders.Count);
            int enough = Array.FindIndex(orders[i].Losses, loss => loss >= ProbedLoss);
            int probed = enough < 0 ? orders[i].Classes.Length : enough;
            double shown = sensitivity.Without(orders[i].Classes.Take(probed).ToHashSet());
            double lost = RemovalOrder.NoiseOverRest(orders[i].Losses[probed]);
            orders[i] = Scaled(orders[i], lost > 0 && double.IsFinite(shown) ? RemovalOrder.NoiseOverRest(shown) / lost : 1);
        }

        return orders;
    }

    private static RemovalOrder Scaled(RemovalOrder order, double scale) => order with { Losses = [.. order.Losses.Select(loss => scale * RemovalOrder.NoiseOverRest(loss))] };

    private static PassOutcome Ended(PassOutcome dead, string reason, List<string> refusals) =>
        dead.Changed ? PassOutcome.Applied($"{dead.Explanation} {reason}", refusals) : PassOutcome.Refused(reason, refusals);

    private static string Describe(ChannelSelection selection, LatencyModel latency, HashSet<int> removed, int removable)
    {
        HashSet<int> none = [];
        double time = latency.Time(removed) / latency.Time(none);
        double work = latency.Multiplications(removed) / latency.Multiplications(none);
        string layers = string.Join(", ", selection.Decisions.Select(decision => $"{decision.Set.Name} {decision.Set.Classes.Length} to {decision.Set.Classes.Length - decision.Removed}"));
        return string.Create(CultureInfo.InvariantCulture, $"{removed.Count} of {removable} channels removed: {work:P0} of the multiplications are left, and by prediction {time:P0} of the layers' time. {layers}.");
    }

    /// <summary>Why channels stay, with their number.</summary>
    private static List<string> Refusals(DependencyGraph graph) =>
        [.. graph.Channels.Values.SelectMany(channels => channels).Select(graph.Classes.Find).Distinct().Select(graph.Classes.ReasonToKeep).OfType<string>()
            .GroupBy(reason => reason).Select(alike => $"{alike.Count()} channels stay: {alike.Key}.")];
}
