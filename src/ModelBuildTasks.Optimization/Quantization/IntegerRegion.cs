using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Which nodes run on integers, and which values are quantized for that. Products with constant weights begin a region; what
/// stands between two of them joins when it has an integer kernel, so that numbers stay integers from product to product.
/// </summary>
internal sealed class IntegerRegion
{
    private readonly HashSet<Node> nodes = [];
    private readonly List<string> refusals = [];

    private IntegerRegion()
    {
    }

    /// <summary>The nodes that run on integers, in topological order.</summary>
    internal IReadOnlyList<Node> Nodes { get; private set; } = [];

    /// <summary>Products that stay in float, each with its reason.</summary>
    internal IReadOnlyList<string> Refusals => refusals;

    internal static IntegerRegion Select(Graph graph)
    {
        IntegerRegion region = new();
        IReadOnlyList<Node> order = graph.TopologicalOrder();
        foreach (Node node in order.Where(IntegerOperators.HasIntegerProduct))
        {
            if (ReasonToStayFloat(node) is { } reason)
            {
                region.refusals.Add($"{node.OpType} '{node.Name}' stays in float: {reason}");
            }
            else
            {
                region.nodes.Add(node);
            }
        }

        region.Grow(order);
        region.DropWhatLeadsNowhere(order);
        region.Nodes = [.. order.Where(region.nodes.Contains)];
        return region;
    }

    /// <summary>Whether the node runs on integers.</summary>
    internal bool Contains(Node node) => nodes.Contains(node);

    /// <summary>Leaves a node in float after all.</summary>
    internal void Remove(Node node)
    {
        nodes.Remove(node);
        Nodes = [.. Nodes.Where(nodes.Contains)];
    }

    /// <summary>The value where a node's integers come out: its output, or that of the Relu or Clip that is absorbed.</summary>
    internal static Value OutputOf(Node node)
    {
        Value output = node.Output;
        return !IntegerOperators.Moves(node) && !output.IsOutput && output.Uses is [{ Index: 0 } use] && use.Node.Graph == node.Graph && IntegerOperators.IsAbsorbed(use.Node)
            ? use.Node.Output
            : output;
    }

    /// <summary>Whether a value comes out of a node that runs on integers.</summary>
    internal bool IsProducedAsInteger(Value value) => ProducerOf(value) is { } node && nodes.Contains(node);

    /// <summary>Whether a node that runs on integers reads the value.</summary>
    internal bool IsReadAsInteger(Value value) =>
        value.Uses.Any(use => nodes.Contains(use.Node) && IntegerOperators.ActivationInputs(use.Node).Contains(use.Index));

    /// <summary>Whether the node's output is quantized: convolutions have no kernel with a float output, products of matrices do.</summary>
    internal bool QuantizesOutput(Node node) => node.OpType is not ("MatMul" or "Gemm") || IsReadAsInteger(OutputOf(node));

    /// <summary>The node whose integers the value is, looking through an absorbed Relu or Clip.</summary>
    private static Node? ProducerOf(Value value) =>
        value.Producer is { } producer && IntegerOperators.IsAbsorbed(producer) && producer.Input(0)?.Producer is { } before && OutputOf(before) == value
            ? before
            : value.Producer;

    private static string? ReasonToStayFloat(Node node)
    {
        if (node.Input(1)?.Constant is not { } weight)
        {
            return "its weight is not constant";
        }

        if (weight.ElementType != ElementType.Float)
        {
            return $"its weight is {weight.ElementType}";
        }

        foreach (float value in weight.Span<float>())
        {
            if (!float.IsFinite(value))
            {
                return "its weight holds infinite or undefined numbers";
            }
        }

        if (node.Input(2) is { } bias && (bias.Constant is null || bias.Constant.ElementType != ElementType.Float))
        {
            return "its bias is not a float constant";
        }

        if (OutputOf(node).IsOutput && node.OpType == "Conv")
        {
            return "its output is an output of the model";
        }

        return node.OpType switch
        {
            "MatMul" when weight.Dimensions.Count != 2 => "its weight is not a matrix",
            "Gemm" when node.GetInt("transA", 0) != 0 => "its input is transposed",
            "Gemm" when node.GetFloat("alpha", 1) != 1 || node.GetFloat("beta", 1) != 1 => "it scales its product",
            "Gemm" when node.Input(2)?.Constant is { } c && c.Length != ColumnsOf(node, weight) => "its bias is not one number a column",
            _ => null,
        };
    }

    private static long ColumnsOf(Node node, Tensor weight) => weight.Dimensions[node.GetInt("transB", 0) != 0 ? 0 : 1];

    /// <summary>Adds nodes whose numbers are integers already. An Add or Mul joins with one such input: one conversion more, two fewer.</summary>
    private void Grow(IReadOnlyList<Node> order)
    {
        foreach (Node node in order)
        {
            if (nodes.Contains(node) || !(IntegerOperators.Requantizes(node) || IntegerOperators.Moves(node)) || OutputOf(node).IsOutput)
            {
                continue;
            }

            Value?[] inputs = [.. IntegerOperators.ActivationInputs(node).Select(node.Input)];
            if (inputs.All(input => input is not null && input.Constant is null)
                && (node.OpType is "Add" or "Mul" ? inputs.Any(input => IsProducedAsInteger(input!)) : inputs.All(input => IsProducedAsInteger(input!))))
            {
                nodes.Add(node);
            }
        }
    }

    /// <summary>Gives up nodes whose integers nobody reads as integers: they would only be converted back. Last first, so that chains go whole.</summary>
    private void DropWhatLeadsNowhere(IReadOnlyList<Node> order)
    {
        foreach (Node node in order.Reverse())
        {
            if (nodes.Contains(node) && !IntegerOperators.HasIntegerProduct(node) && !IsReadAsInteger(OutputOf(node)))
            {
                nodes.Remove(node);
            }
        }
    }
}
