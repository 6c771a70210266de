using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Chooses the nodes that compute in integers. Layers (Conv, MatMul, Gemm) are chosen for themselves; every other operator only between
/// integers: it must get them from chosen nodes and hand them to a chosen node, so that no pair of Q and DQ stands
/// around what runs in float. Operators are seen together with the Relu or Clip behind them, which quantization absorbs.
/// </summary>
internal sealed class NodeSelection
{
    /// <summary>A float input this much smaller than the result (a gate for each channel) costs next to nothing to quantize.</summary>
    private const long SmallInput = 16;

    private readonly Graph graph;
    private readonly TargetProfile target;
    private readonly IReadOnlyDictionary<Value, long[]> shapes;
    private readonly Dictionary<Node, Layer> layers = [];
    private readonly Dictionary<Value, Node> chosenByResult = [];
    private readonly HashSet<Node> chosen = [];
    private readonly SortedDictionary<string, string> refusals = new(StringComparer.Ordinal);

    internal NodeSelection(Graph graph, TargetProfile target, IReadOnlyDictionary<Value, long[]> shapes)
    {
        this.graph = graph;
        this.target = target;
        this.shapes = shapes;
        foreach (Node node in graph.TopologicalOrder())
        {
            if (QuantizableOperators.IsLayer(node) ? AcceptLayer(node) : IsBetween(node) && !ResultOf(node).IsOutput)
            {
                Choose(node);
            }
        }

        Settle();
    }

    /// <summary>The chosen nodes in topological order.</summary>
    internal IEnumerable<Node> Nodes => graph.TopologicalOrder().Where(chosen.Contains);

    internal IReadOnlyDictionary<Node, Layer> Layers => layers;

    /// <summary>Reasons of the layers that stay in float, one line each.</summary>
    internal IReadOnlyList<string> Refusals => [.. refusals.Select(entry => $"{entry.Key} stays in float: {entry.Value}.")];

    internal bool IsChosen(Node node) => chosen.Contains(node);

    /// <summary>The chosen node whose result a value is; null when it is computed in float, fed or constant.</summary>
    internal Node? SourceOf(Value value) => chosenByResult.GetValueOrDefault(value);

    /// <summary>The value that a node and the Relu or Clip behind it make together.</summary>
    internal Value ResultOf(Node node) => Clamp(node)?.Output ?? node.Output;

    /// <summary>The Relu or Clip that is absorbed into the quantization of the node's result.</summary>
    internal Node? Clamp(Node node) =>
        (QuantizableOperators.IsLayer(node) || QuantizableOperators.IsArithmetic(node, target))
        && node.Output is { IsOutput: false, Uses: [{ Node: var reader, Index: 0 }] } && reader.Graph == graph
        && QuantizableOperators.ClampBound(reader) is not null
            ? reader : null;

    /// <summary>Whether a chosen node hands on integers. A MatMul or Gemm whose result is read in float gives floats at no cost.</summary>
    internal bool GivesIntegers(Node node) => !ResultOf(node).IsOutput && (node.OpType == "Conv" && IsForRuntime || HasChosenReader(ResultOf(node)));

    /// <summary>Whether a use reads integers: it belongs to a chosen node and is one of its data inputs.</summary>
    internal bool IsChosenUse(Use use) => chosen.Contains(use.Node) && QuantizableOperators.DataInputs(use.Node).Contains(use.Index);

    /// <summary>Whether a value becomes integers where it is made.</summary>
    internal bool IsInteger(Value value) => SourceOf(value) is { } source && !ResultOf(source).IsOutput;

    /// <summary>The chosen layers that a value reaches through chosen operators.</summary>
    internal IReadOnlyList<Node> LayersReading(Value value) =>
        [.. value.Uses.Where(IsChosenUse).SelectMany(use => layers.ContainsKey(use.Node) ? [use.Node] : LayersReading(ResultOf(use.Node))).Distinct()];

    /// <summary>Takes a node out, for a reason, and with it every operator that then stands between floats.</summary>
    internal void Exclude(Node node, string reason)
    {
        Drop(node);
        if (layers.Remove(node))
        {
            Refuse(node, reason);
        }

        Settle();
    }

    /// <summary>Number of elements of a value in the sample that shapes were taken from.</summary>
    internal long ElementsOf(Value value) => shapes.TryGetValue(value, out long[]? shape) ? shape.Aggregate(1L, (product, size) => product * size) : 0;

    internal IReadOnlyList<long>? ShapeOf(Value value) => shapes.GetValueOrDefault(value);

    private bool IsForRuntime => target.ExecutionProvider == TargetProfile.CpuProvider;

    private bool AcceptLayer(Node node)
    {
        Layer? layer = Layer.From(node, out string? reason);
        if (layer is not null && node.OpType == "Conv" && IsForRuntime)
        {
            reason = ResultOf(node).IsOutput || OutputVisibility.IsVisible(node)
                ? "its result reaches an output without a further layer or pooling, so that 8 bits would show in the result"
                : null;
        }

        if (layer is null || reason is not null)
        {
            Refuse(node, reason!);
            return false;
        }

        layers.Add(node, layer);
        return true;
    }

    private bool IsBetween(Node node) =>
        QuantizableOperators.IsArithmetic(node, target) || QuantizableOperators.IsTransparent(node, target) || QuantizableOperators.IsConcat(node, target);

    /// <summary>Drops operators between floats until none is left.</summary>
    private void Settle()
    {
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (Node node in chosen.Where(node => !layers.ContainsKey(node) && !StandsBetweenIntegers(node)).ToArray())
            {
                Drop(node);
                changed = true;
            }
        }
    }

    private bool StandsBetweenIntegers(Node node) => HasChosenReader(ResultOf(node)) && ReadsIntegers(node);

    private bool ReadsIntegers(Node node)
    {
        Value[] inputs = [.. QuantizableOperators.DataInputs(node).Select(node.Input).OfType<Value>()];
        if (!QuantizableOperators.IsArithmetic(node, target))
        {
            return inputs.All(IsInteger);
        }

        // The bias of a product is better added in float: the product is widened anyway.
        bool isBias = inputs.Any(input => input.Constant is not null) && inputs.Any(input => SourceOf(input)?.OpType == "MatMul");
        return !isBias && inputs.Any(IsInteger) && inputs.All(input => IsInteger(input) || IsCheap(input, node));
    }

    private bool IsCheap(Value input, Node node) =>
        input.Constant is { } constant ? constant.ElementType == ElementType.Float : ElementsOf(input) * SmallInput <= ElementsOf(node.Output);

    private bool HasChosenReader(Value value) => value.Uses.Any(IsChosenUse);

    private void Choose(Node node)
    {
        chosen.Add(node);
        chosenByResult[ResultOf(node)] = node;
    }

    private void Drop(Node node)
    {
        chosen.Remove(node);
        chosenByResult.Remove(ResultOf(node));
    }

    private void Refuse(Node node, string reason) => refusals[LinearLayer.Describe(node)] = reason;
}
