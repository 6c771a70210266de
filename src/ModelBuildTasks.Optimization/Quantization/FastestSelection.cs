using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Leaves those layers in float that integers make slower, the conversions at their borders included (<see cref="KernelCosts"/>).
/// Starting from all layers in integers, it takes the exclusion that saves most, of one layer, of one with those behind its pooling, or of
/// one connected island, until none saves.
/// </summary>
internal sealed class FastestSelection
{
    private const string Reason = "integers would make it slower, conversions included";

    private readonly QuantizationCandidates candidates;
    private readonly HashSet<Node> excluded;
    private NodeSelection current;
    private double cost;

    private FastestSelection(QuantizationCandidates candidates, HashSet<Node> excluded)
    {
        this.candidates = candidates;
        this.excluded = excluded;
        current = new NodeSelection(candidates, excluded);
        cost = CostOf(current);
    }

    /// <summary>The fastest selection found; the layers it leaves out are added to <paramref name="excluded"/> and refused with the reason.</summary>
    internal static NodeSelection Find(QuantizationCandidates candidates, HashSet<Node> excluded)
    {
        FastestSelection search = new(candidates, excluded);
        while (search.ExcludeBest())
        {
        }

        return search.current;
    }

    private bool ExcludeBest()
    {
        Node[]? best = null;
        double bestCost = cost;
        foreach (Node[] group in Islands().Where(island => island.Length > 1).Concat(current.Layers.Keys.SelectMany(GroupsOf)))
        {
            double without = CostOf(new NodeSelection(candidates, excluded.Union(group).ToHashSet()));
            if (without < bestCost)
            {
                (best, bestCost) = (group, without);
            }
        }

        if (best is null)
        {
            return false;
        }

        excluded.UnionWith(best);
        foreach (Node layer in best)
        {
            candidates.Refuse(layer, Reason);
        }

        current = new NodeSelection(candidates, excluded);
        cost = bestCost;
        return true;
    }

    /// <summary>A layer by itself, and with its readers behind a MaxPool: integers had better begin in front of both or behind both.</summary>
    private IEnumerable<Node[]> GroupsOf(Node layer)
    {
        yield return [layer];
        Value result = current.ResultOf(layer);
        if (result.Uses.Any(use => IsPooling(use.Node) && current.IsChosenUse(use)))
        {
            yield return [layer, .. current.LayersReading(result)];
        }
    }

    private double CostOf(NodeSelection selection)
    {
        double sum = 0;
        foreach ((Node node, Layer layer) in candidates.Layers)
        {
            IReadOnlyList<long> shape = candidates.ShapeOf(node.Output);
            if (shape.Count > 1)
            {
                sum += selection.Layers.ContainsKey(node) ? KernelCosts.Integer(layer, shape) : KernelCosts.Float(layer, shape);
            }
        }

        HashSet<Value> quantized = [];
        foreach (Node node in selection.Nodes)
        {
            foreach (Value input in QuantizableOperators.DataInputs(node).Select(index => node.Input(index)!))
            {
                if (!selection.IsInteger(input) && input.Constant is null && quantized.Add(input))
                {
                    sum += Boundary(input) + PoolingOf(input);
                }
            }

            Value result = selection.ResultOf(node);
            if (selection.GivesIntegers(node) && result.Uses.Any(use => !selection.IsChosenUse(use)))
            {
                sum += Boundary(result);
            }
        }

        return sum;
    }

    /// <summary>
    /// When ONNX Runtime loads the model, it moves a quantization in front of the MaxPool that it follows (QDQPropagationTransformer), which then
    /// runs on planes of integers.
    /// </summary>
    private double PoolingOf(Value quantized) =>
        quantized is { IsOutput: false, Producer: { } pooling } && IsPooling(pooling)
            ? KernelCosts.PlanarPooling(candidates.ElementsOf(quantized), (pooling.GetInts("kernel_shape") ?? []).Aggregate(1L, (product, size) => product * size))
            : 0;

    private static bool IsPooling(Node node) => node is { OpType: "MaxPool", Domain: "" };

    private double Boundary(Value value) => KernelCosts.Boundary(candidates.ElementsOf(value), candidates.ShapeOf(value).Count);

    /// <summary>The layers of each part of the graph that is connected by integers.</summary>
    private IEnumerable<Node[]> Islands()
    {
        HashSet<Node> seen = [];
        foreach (Node start in current.Nodes)
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
                foreach (Use use in current.ResultOf(node).Uses.Where(current.IsChosenUse))
                {
                    pending.Push(use.Node);
                }

                foreach (Value input in QuantizableOperators.DataInputs(node).Select(index => node.Input(index)!).Where(current.IsInteger))
                {
                    pending.Push(current.SourceOf(input)!);
                }
            }

            Node[] layers = [.. island.Where(current.Layers.ContainsKey)];
            if (layers.Length > 0)
            {
                yield return layers;
            }
        }
    }
}
