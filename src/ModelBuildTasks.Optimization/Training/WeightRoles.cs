using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>What a graph's nodes use its constants for.</summary>
internal sealed class WeightRoles
{
    /// <summary>Scores are masked by numbers of this size or more, −10,000 and −∞ among them; no bias is so large.</summary>
    private const float SmallestMask = 1e4f;

    private readonly HashSet<Value> behindLayers;
    private readonly ChannelAxes channels = new();

    public WeightRoles(Graph graph)
    {
        behindLayers = [];
        foreach (Node node in graph.TopologicalOrder())
        {
            if (HasWeights(node) || Dependence.Reads(node).Any(behindLayers.Contains))
            {
                behindLayers.UnionWith(node.Outputs);
            }
        }
    }

    /// <summary>Whether a use of a constant is that of a weight.</summary>
    public bool IsWeight(Value value, Use use) =>
        (value.Initializer ?? value.Constant) is { ElementType: ElementType.Float, Length: > 0 } tensor && IsWeight(use, tensor, isRearranged: false);

    /// <summary>Whether a weight that is read there is a filter, a matrix or an embedding, be it rearranged on the way, and no bias, scale or slope.</summary>
    public static bool IsMatrix(Use use) => use.Node.Domain.Length == 0 && (use.Node.OpType, use.Index) switch
    {
        ("Conv" or "ConvTranspose", 1) or ("LSTM" or "GRU" or "RNN", 1 or 2) or ("Gemm", 0 or 1) or ("MatMul" or "Einsum", _) => true,
        ("Gather", 0) when use.Node.Input(1)?.Constant is null => true,
        _ => Rearranges(use) && use.Node.Output.Uses.Any(IsMatrix),
    };

    private bool IsWeight(Use use, Tensor tensor, bool isRearranged) => use.Node switch
    {
        { Domain.Length: > 0 } => false,
        _ when IsLayers(use, tensor) => true,
        { OpType: "Gather" } gather when use.Index == 0 && tensor.Dimensions.Count > 1 && gather.Input(1)?.Constant is null => true,
        { OpType: "Add" or "Sum" } => !IsAdditiveMask(tensor) && use.Node.Inputs.OfType<Value>().Any(other => IsAlongChannels(tensor, use.Node, other, isRearranged, isAdded: true)),
        { OpType: "Mul" } => !IsFactorMask(tensor) && use.Node.Inputs.OfType<Value>().Any(other => IsAlongChannels(tensor, use.Node, other, isRearranged, isAdded: false)),
        _ when Rearranges(use) => use.Node.Output is { IsOutput: false, Uses.Count: > 0 } output && output.Uses.All(next => IsWeight(next, tensor, isRearranged: true)),
        _ => false,
    };

    /// <summary>Places that hold nothing but weights.</summary>
    private static bool IsLayers(Use use, Tensor tensor) => (use.Node.OpType, use.Index) switch
    {
        ("Conv" or "ConvTranspose" or "BatchNormalization" or "LayerNormalization" or "InstanceNormalization" or "GroupNormalization", 1 or 2) => true,
        ("RMSNormalization" or "PRelu", 1) => true,
        ("LSTM" or "GRU" or "RNN", 1 or 2 or 3) or ("LSTM", 7) => true,
        ("Gemm", <= 2) or ("MatMul", _) => true,
        ("Einsum", _) => tensor.Dimensions.Count > 1,
        _ => false,
    };

    private static bool HasWeights(Node node) => node.Domain.Length == 0 && node.OpType switch
    {
        "Conv" or "ConvTranspose" or "BatchNormalization" or "LayerNormalization" or "InstanceNormalization" or "GroupNormalization" or "RMSNormalization" or "PRelu" => true,
        "LSTM" or "GRU" or "RNN" or "Gemm" or "MatMul" or "Einsum" => true,
        "Gather" => node.Input(0) is { } table && (table.Initializer ?? table.Constant) is { ElementType: ElementType.Float, Dimensions.Count: > 1 },
        _ => false,
    };

    /// <summary>A constant behind one of these is the same numbers in another order, or rounded.</summary>
    private static bool Rearranges(Use use) => use.Index == 0 && use.Node.OpType is "Identity" or "Transpose" or "Reshape" or "Flatten" or "Squeeze" or "Unsqueeze"
        or "Expand" or "Slice" or "Gather" or "Split" or "QuantizeLinear" or "DequantizeLinear";

    private bool IsAlongChannels(Tensor tensor, Node node, Value other, bool isRearranged, bool isAdded)
    {
        if (!behindLayers.Contains(other))
        {
            return false;
        }

        int[] wide = [.. Enumerable.Range(0, tensor.Dimensions.Count).Where(axis => tensor.Dimensions[axis] > 1)];
        ChannelAxis? channel = channels.Of(other);
        if (wide.Length == 0)
        {
            // The bias of a single unit; any other number that stands alone is a factor or an epsilon.
            return isAdded && tensor.Dimensions.Count > 0 && channel?.Size == 1 && other.Producer is { OpType: "Conv" or "ConvTranspose" or "MatMul" or "Gemm" };
        }

        if (isRearranged || channel is null)
        {
            return wide.Length == 1;
        }

        // Features may have another shift at every position of a sequence (position embeddings); what differs by a picture's positions are coordinates.
        int along = tensor.Dimensions.Count - channel.FromLast;
        return wide.Contains(along) && (wide.Length == 1 || (isAdded && channel.FromLast == 1));
    }

    private static bool IsAdditiveMask(Tensor tensor) => Array.Exists(tensor.ToSingles(), value => !(Math.Abs(value) < SmallestMask));

    private static bool IsFactorMask(Tensor tensor) => tensor.ToSingles() is var values && Array.TrueForAll(values, value => value is 0 or 1) && values.Contains(0f);
}
