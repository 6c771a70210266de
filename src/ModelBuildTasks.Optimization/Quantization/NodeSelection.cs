using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// The nodes that compute in integers, given the layers that do not. Layers (Conv, MatMul, Gemm) are chosen for themselves; every other operator
/// only between integers: it must get them from chosen nodes and hand them to a chosen node, so that no pair of Q and DQ stands
/// around what runs in float. Operators are seen together with the Relu or Clip behind them, which quantization absorbs.
/// </summary>
internal sealed class NodeSelection
{
    /// <summary>A float input this much smaller than the result (a gate for each channel) costs next to nothing to quantize.</summary>
    internal const long SmallInput = 16;

    private readonly QuantizationCandidates candidates;
    private readonly Dictionary<Value, Node> chosenByResult = [];
    private readonly HashSet<Node> chosen = [];

    /// <param name="candidates">What there is to choose from.</param>
    /// <param name="excluded">Layers and Concats that stay in float.</param>
    internal NodeSelection(QuantizationCandidates candidates, IReadOnlySet<Node> excluded)
    {
        this.candidates = candidates;
        foreach (Node node in candidates.Order.Where(node => !excluded.Contains(node)))
        {
            if (candidates.Layers.ContainsKey(node) || (IsBetween(node) && !ResultOf(node).IsOutput))
            {
                chosen.Add(node);
                chosenByResult[ResultOf(node)] = node;
            }
        }

        DropBetweenFloats();
        Layers = candidates.Layers.Where(entry => chosen.Contains(entry.Key)).ToDictionary();
    }

    /// <summary>The chosen nodes in topological order.</summary>
    internal IEnumerable<Node> Nodes => candidates.Order.Where(chosen.Contains);

    internal IReadOnlyDictionary<Node, Layer> Layers { get; }

    internal bool Contains(Node node) => chosen.Contains(node);

    /// <summary>The dimensions of a value; 0 where they are not known.</summary>
    internal int RankOf(Value value) => candidates.ShapeOf(value).Count;

    /// <summary>The chosen node whose result a value is; null when it is computed in float, fed or constant.</summary>
    internal Node? SourceOf(Value value) => chosenByResult.GetValueOrDefault(value);

    /// <summary>The value that a node and the Relu or Clip behind it make together.</summary>
    internal Value ResultOf(Node node) => Clamp(node)?.Output ?? node.Output;

    /// <summary>The Relu or Clip that is absorbed into the quantization of the node's result.</summary>
    internal Node? Clamp(Node node) =>
        QuantizableOperators.IsLayer(node) || QuantizableOperators.IsArithmetic(node, candidates.Target) ? QuantizableOperators.ClampBehind(node) : null;

    /// <summary>
    /// Whether a chosen node hands on integers. A MatMul or Gemm whose result is read in float gives floats at no cost; a Conv has no such
    /// kernel on the CPU.
    /// </summary>
    internal bool GivesIntegers(Node node) =>
        !ResultOf(node).IsOutput && !ArrivedQuantization.Quantizes(ResultOf(node))
        && ((candidates.IsForCpu && candidates.Layers.TryGetValue(node, out Layer? layer) && !layer.IsProduct) || HasChosenReader(ResultOf(node)));

    /// <summary>Whether a value becomes integers where it is made.</summary>
    internal bool IsInteger(Value value) => SourceOf(value) is { } source && !ResultOf(source).IsOutput;

    /// <summary>Whether a use reads integers: it belongs to a chosen node and is one of its data inputs.</summary>
    internal bool IsChosenUse(Use use) => chosen.Contains(use.Node) && QuantizableOperators.DataInputs(use.Node).Contains(use.Index);

    /// <summary>The chosen layers that a value reaches through chosen operators.</summary>
    internal IReadOnlyList<Node> LayersReading(Value value)
    {
        List<Node> layers = [];
        HashSet<Node> seen = [];
        Stack<Value> pending = new([value]);
        while (pending.TryPop(out Value? next))
        {
            foreach (Node reader in next.Uses.Where(IsChosenUse).Select(use => use.Node).Where(seen.Add))
            {
                if (Layers.ContainsKey(reader))
                {
                    layers.Add(reader);
                }
                else
                {
                    pending.Push(ResultOf(reader));
                }
            }
        }

        return layers;
    }

    /// <summary>The layers of each part of the graph that is connected by integers.</summary>
    internal IEnumerable<Node[]> Islands()
    {
        HashSet<Node> seen = [];
        foreach (Node start in Nodes)
        {
            List<Node> island = [];
            Stack<Node> pending = new([start]);
            while (pending.TryPop(out Node? node))
            {
                if (!seen.Add(node))
                {
                    continue;
                }

                island.Add(node);
                foreach (Use use in ResultOf(node).Uses.Where(IsChosenUse))
                {
                    pending.Push(use.Node);
                }

                foreach (Value input in QuantizableOperators.DataInputs(node).Select(index => node.Input(index)!).Where(IsInteger))
                {
                    pending.Push(SourceOf(input)!);
                }
            }

            Node[] layers = [.. island.Where(Layers.ContainsKey)];
            if (layers.Length > 0)
            {
                yield return layers;
            }
        }
    }

    private bool IsBetween(Node node) =>
        QuantizableOperators.IsArithmetic(node, candidates.Target)
        || QuantizableOperators.IsTransparent(node, candidates.Target)
        || QuantizableOperators.IsConcat(node, candidates.Target);

    private void DropBetweenFloats()
    {
        Queue<Node> pending = new(chosen.Where(node => !candidates.Layers.ContainsKey(node)));
        int unchanged = 0;
        while (pending.Count > unchanged)
        {
            Node node = pending.Dequeue();
            if (HasChosenReader(ResultOf(node)) && ReadsIntegers(node))
            {
                pending.Enqueue(node);
                unchanged++;
            }
            else
            {
                chosen.Remove(node);
                chosenByResult.Remove(ResultOf(node));
                unchanged = 0;
            }
        }
    }

    private bool ReadsIntegers(Node node)
    {
        Value[] inputs = [.. QuantizableOperators.DataInputs(node).Select(node.Input).OfType<Value>()];
        if (!QuantizableOperators.IsArithmetic(node, candidates.Target))
        {
            return inputs.All(IsInteger);
        }

        // The bias of a product is better added in float: the product is widened anyway.
        bool isBias = inputs.Any(input => input.Constant is not null) && inputs.Any(input => SourceOf(input)?.OpType == "MatMul");
        return !isBias && inputs.Any(IsInteger) && inputs.All(input => IsInteger(input) || IsCheap(input, node) || IsQuantizedAnyway(input));
    }

    private bool IsCheap(Value input, Node node) =>
        input.Constant is { } constant
            ? constant.ElementType == ElementType.Float
            : candidates.ElementsOf(input) * SmallInput <= candidates.ElementsOf(node.Output);

    /// <summary>A layer in float whose result a chosen layer reads, as the first of a residual network: the integers made for it serve here too.</summary>
    private bool IsQuantizedAnyway(Value input) => input.Uses.Any(use => candidates.Layers.ContainsKey(use.Node) && IsChosenUse(use));

    private bool HasChosenReader(Value value) => value.Uses.Any(IsChosenUse);
}
