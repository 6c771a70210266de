using System.Globalization;
using System.Numerics.Tensors;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>Which channels of a model may go, in which order, and what that saves: all that is looked at once, whatever share is then removed.</summary>
internal sealed class RemovalPlan
{
    /// <summary>Samples that moments are taken from.</summary>
    private const int MomentSamples = 64;

    /// <summary>Samples that tell how a layer's error shows in the outputs; each set of channels costs a run of all.</summary>
    private const int SensitivitySamples = 8;

    /// <summary>So many channels of a set are masked to see how its loss shows in the outputs that the layers which read them lose this share. Fewer would show little but their own noise.</summary>
    private const double ProbedLoss = 0.1;

    /// <summary>Layers that a reason names; they repeat one another.</summary>
    private const int MostNamed = 3;

    private readonly DependencyGraph graph;
    private readonly List<ChannelSet> sets;
    private readonly List<RemovalOrder> orders;
    private readonly LatencyModel latency;

    private RemovalPlan(DependencyGraph graph, List<ChannelSet> sets, List<RemovalOrder> orders, LatencyModel latency)
    {
        this.graph = graph;
        this.sets = sets;
        this.orders = orders;
        this.latency = latency;
    }

    /// <summary>How many channels may go.</summary>
    internal int Removable => sets.Sum(set => set.Classes.Length);

    /// <summary>How many channels each set keeps, by its name; where several have one, the least of them.</summary>
    internal IReadOnlyDictionary<string, int> Fewest => sets.GroupBy(set => set.Name).ToDictionary(alike => alike.Key, alike => alike.Min(ChannelSelection.Fewest));

    /// <summary>Looks at a model, which must then stay as it is.</summary>
    /// <param name="excluded">Layers that keep the channels that they make.</param>
    /// <param name="refusals">Gets the reasons why channels stay.</param>
    /// <param name="reason">Why nothing can be removed; null when there is a plan.</param>
    /// <param name="importance">By what channels are chosen. Those that have no slope by some are chosen as for a refit.</param>
    /// <exception cref="Quantization.Calibration.CalibrationException">A sample cannot be run.</exception>
    /// <exception cref="Inference.InferenceException">The model cannot be run.</exception>
    internal static RemovalPlan? Of(
        Model model, ExcludedLayers? excluded, PassContext context, List<string> refusals, out string? reason, ChannelImportance importance = ChannelImportance.Reconstruction)
    {
        DependencyGraph graph = DependencyGraph.Of(model);
        refusals.AddRange(ReasonsToStay(graph));
        if (Opaque(model) is { Length: > 0 } opaque)
        {
            refusals.Add($"The channels of {opaque.Length} layers stay, whose weights are computed, fed or quantized: {string.Join(", ", opaque.Take(MostNamed).Select(DependencyGraph.Describe))}{(opaque.Length > MostNamed ? ", …" : "")}.");
        }

        List<ChannelSet> sets = [.. ChannelSet.Of(graph).Where(set => !IsExcluded(set, excluded, refusals))];
        reason = sets.Count == 0 ? "The model has no channels that can be removed."
            : graph.Channels.Keys.FirstOrDefault(axis => axis.Value.Constant is { ElementType: ElementType.Float } weight && !TensorPrimitives.IsFiniteAll(weight.Span<float>())) is { Value: { } broken }
                ? $"'{broken.Name}' holds weights that are not finite."
                : null;
        return reason is null ? new RemovalPlan(graph, sets, Orders(graph, sets, context, importance, refusals), new LatencyModel(graph, context.Calibration?.Read().FirstOrDefault())) : null;
    }

    /// <summary>The channels to remove for a share of those that may go; fewer where no step of <see cref="ChannelSelection.Multiple"/> fits.</summary>
    internal Removal Choose(double share, CancellationToken cancellation) =>
        Choose((int)Math.Round(share * Removable, MidpointRounding.AwayFromZero), null, cancellation);

    /// <param name="count">Channels to remove at most.</param>
    /// <param name="fewest">By the names of sets, how many channels each keeps; null for <see cref="ChannelSelection.Fewest"/> of what each has.</param>
    /// <inheritdoc cref="Choose(double, CancellationToken)"/>
    internal Removal Choose(int count, IReadOnlyDictionary<string, int>? fewest, CancellationToken cancellation)
    {
        ChannelSelection selection = new(graph, sets, orders, latency, fewest);
        HashSet<int> removed = selection.Take(count, cancellation);
        double time = ShareLeft(latency.Time);
        double work = ShareLeft(latency.Multiplications);
        string layers = string.Join(", ", selection.Decisions.Select(decision => $"{decision.Set.Name} {decision.Set.Classes.Length} to {decision.Set.Classes.Length - decision.Removed}"));
        return new Removal(removed, time, string.Create(
            CultureInfo.InvariantCulture, $"{removed.Count} of {Removable} channels removed: {work:P0} of the multiplications are left, and by prediction {time:P0} of the layers' time. {layers}."));

        // Where no layer's size is known, nothing is known to be saved.
        double ShareLeft(Func<IReadOnlySet<int>, double> cost) => cost(new HashSet<int>()) is > 0 and var whole ? cost(removed) / whole : 1;
    }

    /// <summary>Removes channels from a copy of the model and, with samples, refits what is left to the model.</summary>
    /// <returns>The copy, and what was done to it.</returns>
    internal (Model Pruned, string Explanation) Apply(Removal removal, PassContext context, ICollection<string> refusals)
    {
        Model pruned = graph.Model.Clone();
        DependencyGraph copy = DependencyGraph.Of(pruned);
        // Nodes may come back from a copy in another order, and their channels with other numbers.
        HashSet<int> classes = [.. graph.Channels.SelectMany(axis => axis.Value
            .Select((channel, i) => (Index: i, IsRemoved: removal.Classes.Contains(graph.Classes.Find(channel)))).Where(channel => channel.IsRemoved)
            .Select(channel => copy.Classes.Find(copy.Channels[new ValueAxis(pruned.Graph.Find(axis.Key.Value.Name)!, axis.Key.Axis)][channel.Index])))];
        Dictionary<string, int[]> kept = ChannelRemoval.KeptResults(copy, classes);
        ChannelRemoval.Apply(copy, classes);
        return (pruned, context.Calibration is { Count: > 0 }
            ? $"{removal.Explanation} {Reconstruction.RefitOrRestore(graph.Model, pruned, kept, ExcludedLayers.None, context, refusals)}"
            : removal.Explanation);
    }

    private static Node[] Opaque(Model model) =>
        [.. model.Graph.Nodes.Where(node => node is { Domain: "", OpType: "Conv" or "ConvTranspose" or "Gemm" or "MatMul" } or { OpType: "QLinearConv" or "QLinearMatMul" or "ConvInteger" or "MatMulInteger" }
            && !node.Inputs.Any(input => input?.Constant is { ElementType: ElementType.Float or ElementType.Float16 or ElementType.Double, Dimensions.Count: > 1 }))];

    private static bool IsExcluded(ChannelSet set, ExcludedLayers? excluded, List<string> refusals)
    {
        if (set.Makers.FirstOrDefault(maker => excluded?.Contains(maker) == true) is not { } maker)
        {
            return false;
        }

        refusals.Add($"{set.Classes.Length} channels stay: the project excludes {DependencyGraph.Describe(maker)}.");
        return true;
    }

    /// <summary>By samples where there are some, each order's losses in terms of the outputs; by magnitude otherwise, and for weights of 16 bits, beside which moments would be taken of activations that overflow.</summary>
    private static List<RemovalOrder> Orders(DependencyGraph graph, List<ChannelSet> sets, PassContext context, ChannelImportance importance, List<string> refusals)
    {
        if (context.Calibration is not { Count: > 0 } samples || graph.Channels.Keys.Any(axis => axis.Value.Constant?.ElementType == ElementType.Float16))
        {
            return [.. sets.Select(set => Scaled(MagnitudeImportance.Of(graph, set), 1))];
        }

        if (importance == ChannelImportance.Taylor)
        {
            if (TaylorImportance.Of(graph, sets, samples.Take(MomentSamples), context.CancellationToken, out string? gap) is { } taylor)
            {
                return taylor;
            }

            refusals.Add($"Channels are chosen by what layers lose, not by slopes: {gap}");
        }

        List<RemovalOrder> orders = ReconstructionImportance.Of(graph, sets, samples.Take(MomentSamples), context.CancellationToken);
        OutputSensitivity sensitivity = new(graph, samples.Take(SensitivitySamples));
        for (int i = 0; i < orders.Count; i++)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            context.Progress?.Report((double)i / orders.Count);
            int enough = Array.FindIndex(orders[i].MaskedLosses, loss => loss >= ProbedLoss);
            int probed = enough < 0 ? orders[i].Classes.Length : enough;
            double shown = sensitivity.Without(orders[i].Classes.Take(probed).ToHashSet());
            double lost = RemovalOrder.NoiseOverRest(orders[i].MaskedLosses[probed]);
            orders[i] = Scaled(orders[i], lost > 0 && double.IsFinite(shown) ? RemovalOrder.NoiseOverRest(shown) / lost : 1);
        }

        return orders;
    }

    private static RemovalOrder Scaled(RemovalOrder order, double scale) => order with { Losses = [.. order.Losses.Select(loss => scale * RemovalOrder.NoiseOverRest(loss))] };

    /// <summary>Why channels stay, with their number.</summary>
    private static IEnumerable<string> ReasonsToStay(DependencyGraph graph) =>
        [.. graph.Channels.Values.SelectMany(channels => channels).Select(graph.Classes.Find).Distinct().Select(graph.Classes.ReasonToKeep).OfType<string>()
            .GroupBy(reason => reason).Select(alike => $"{alike.Count()} channels stay: {alike.Key}.")];
}

/// <summary>Channels that go together from a model.</summary>
/// <param name="Classes">The classes of the plan's graph.</param>
/// <param name="TimeLeft">The share of the layers' time that is left, by prediction.</param>
/// <param name="Explanation">What that leaves of which layers.</param>
internal sealed record Removal(IReadOnlySet<int> Classes, double TimeLeft, string Explanation);
