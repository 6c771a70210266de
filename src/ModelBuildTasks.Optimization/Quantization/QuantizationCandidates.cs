using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>What a selection chooses from: the layers of the main graph that integer kernels fit, and what is known of the graph.</summary>
internal sealed class QuantizationCandidates
{
    private readonly Dictionary<Node, Layer> layers = [];
    private readonly Dictionary<Node, string> refusals = [];
    private readonly IReadOnlyDictionary<Value, long[]> shapes;

    internal QuantizationCandidates(Graph graph, TargetProfile target, IReadOnlyDictionary<Value, long[]> shapes)
    {
        Target = target;
        Order = graph.TopologicalOrder();
        this.shapes = shapes;
        foreach (Node node in Order.Where(node => QuantizableOperators.MissingKernel(node) is not null))
        {
            refusals.Add(node, QuantizableOperators.MissingKernel(node)!);
        }

        foreach (Node node in Order.Where(QuantizableOperators.IsLayer))
        {
            Layer? layer = Layer.From(node, out string? reason);
            if (layer is { Node.OpType: "Conv", IsPooled: false } && IsForCpu && OutputVisibility.IsVisible(node))
            {
                reason = "its result reaches an output without a further layer or pooling, so that 8 bits would show in the result";
            }
            else if (layer is { IsProduct: true } && IsForCpu && IsReadAsOutput(node.Output))
            {
                reason = "its result is an output that further integer operators would read, for which there is no kernel";
            }

            if (IsForCpu && QuantizableOperators.ClampBehind(node) is { } clamp && ArrivedQuantization.LeavesClamp(clamp.Output, QuantizableOperators.ClampBound(clamp)!.Value, target))
            {
                reason = $"the integers that the model itself makes behind it do not do the work of its {clamp.OpType}";
            }

            if (QuantizableOperators.IsProductOfActivations(node))
            {
                reason = "both of its factors are computed, as in attention, and such products are no faster in integers";
            }

            reason ??= layer is null ? null : QuantizableOperators.Refusal(layer, target);
            if (layer is null || reason is not null)
            {
                refusals.Add(node, reason!);
            }
            else
            {
                layers.Add(node, layer);
            }
        }
    }

    internal TargetProfile Target { get; }

    internal bool IsForCpu => Target.ExecutionProvider == TargetProfile.CpuProvider;

    /// <summary>All nodes of the main graph in topological order.</summary>
    internal IReadOnlyList<Node> Order { get; }

    internal IReadOnlyDictionary<Node, Layer> Layers => layers;

    /// <summary>The layers that no integer kernel fits, each with its reason as a clause.</summary>
    internal IReadOnlyDictionary<Node, string> Refusals => refusals;

    /// <summary>The shape that a value had for the first calibration sample; empty when it was not computed.</summary>
    internal IReadOnlyList<long> ShapeOf(Value value) => shapes.TryGetValue(value, out long[]? shape) ? shape : [];

    internal long ElementsOf(Value value) => ShapeOf(value).Aggregate(1L, (product, size) => product * size);

    /// <summary>The same candidates in a copy of the graph, before anything of the copy was changed.</summary>
    internal QuantizationCandidates In(Graph copy) =>
        new(copy, Target, shapes.Where(entry => Visible(copy, entry.Key.Name) is not null).ToDictionary(entry => Visible(copy, entry.Key.Name)!, entry => entry.Value));

    /// <summary>What a graph means by a name: a value of its own, else of a graph around it.</summary>
    internal static Value? Visible(Graph? graph, string name)
    {
        while (graph is not null && graph.Find(name) is null)
        {
            graph = graph.Parent;
        }

        return graph?.Find(name);
    }

    /// <summary>The kernel of a product gives either integers or floats, and is not found where a result is an output and is quantized too.</summary>
    private bool IsReadAsOutput(Value result) => result.IsOutput && result.Uses.Any(use =>
        QuantizableOperators.IsLayer(use.Node) || QuantizableOperators.IsArithmetic(use.Node, Target)
        || QuantizableOperators.IsTransparent(use.Node, Target) || QuantizableOperators.IsConcat(use.Node, Target));
}
