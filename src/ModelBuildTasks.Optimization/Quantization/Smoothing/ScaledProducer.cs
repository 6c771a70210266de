using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization.Smoothing;

/// <summary>What computes a value and can divide each of its channels, those of its last axis, by a constant.</summary>
internal sealed class ScaledProducer
{
    private readonly List<(Node Node, int Input)> constants = [];
    private Node? product;

    private ScaledProducer()
    {
    }

    /// <summary>Whether weights of a matrix product take the division, not vectors alone.</summary>
    internal bool ChangesWeights => product is not null;

    /// <summary>Walks up from a value to what can take the division; null with the reason where there is nothing.</summary>
    internal static ScaledProducer? Find(Value value, int channels, out string? reason)
    {
        ScaledProducer found = new();
        for (Value current = value; ; )
        {
            if (current.Producer is not { } node)
            {
                reason = $"'{current.Name}' is not computed in its graph";
                return null;
            }

            if (current != value && (current.Uses.Count > 1 || current.IsOutput))
            {
                reason = $"'{current.Name}' is read elsewhere, too";
                return null;
            }

            switch (node)
            {
                case { OpType: "LayerNormalization" or "RMSNormalization" or "SimplifiedLayerNormalization" } when node.GetInt("axis", -1) == -1:
                    // Scale, and bias where there is one.
                    found.constants.AddRange(Enumerable.Range(1, node.Inputs.Count - 1).Select(input => (node, input)));
                    return found.AreVectors(channels, out reason) ? found : null;
                case { OpType: "Mul", Domain: "" } when HasOneConstant(node):
                    found.constants.Add((node, ConstantOf(node)));
                    return found.AreVectors(channels, out reason) ? found : null;
                case { OpType: "Mul", Domain: "" } when node.Inputs.FirstOrDefault(input => input!.Producer is { OpType: "MatMul" or "Gemm", Domain: "" }) is { } gated:
                    // A gate: what the other factor is does not matter.
                    current = gated;
                    break;
                case { OpType: "Relu", Domain: "" }:
                    current = node.Inputs[0]!;
                    break;
                case { OpType: "MultiHeadAttention", Domain: TargetProfile.ContributedDomain } when node.Outputs.Count == 1 && node.Input(2) is { } values && node.Inputs.Skip(3).All(input => input is null):
                    // Each channel of the result is an average of that channel of the values.
                    current = values;
                    break;
                case { OpType: "Add", Domain: "" } when HasOneConstant(node):
                    found.constants.Add((node, ConstantOf(node)));
                    current = node.Inputs[1 - ConstantOf(node)]!;
                    break;
                case { OpType: "MatMul" or "Gemm", Domain: "" }:
                    found.product = node;
                    LinearLayer? layer = null;
                    reason = Layer.From(node, out string? refusal) is null ? refusal : (layer = LinearLayer.From(node, out refusal)) is null ? refusal ?? "its weights cannot be changed" : null;
                    if (layer is not null && layer.OutputChannels != channels)
                    {
                        reason = $"{LinearLayer.Describe(node)} has {layer.OutputChannels} outputs, not {channels}";
                    }

                    return reason is null && found.AreVectors(channels, out reason) ? found : null;
                default:
                    reason = $"{LinearLayer.Describe(node)} computes it, into which no scale can go";
                    return null;
            }
        }
    }

    /// <param name="scales">Positive, one a channel.</param>
    internal void Divide(double[] scales)
    {
        foreach ((Node node, int input) in constants)
        {
            float[] divided = [.. node.Inputs[input]!.Constant!.ToSingles().Select((number, i) => (float)(number / scales[i]))];
            node.SetInput(input, node.Graph.AddInitializer(node.Inputs[input]!.Name + "_scaled", Tensor.Create([.. node.Inputs[input]!.Constant!.Dimensions], divided)));
        }

        if (product is not null)
        {
            ChannelAffine affine = new(product.Output, Array.ConvertAll(scales, scale => 1 / scale), new double[scales.Length]);
            if (LinearLayer.From(product, out string? reason)?.AbsorbAfter(affine, product, GrowthBudget.Unlimited) is { } failure)
            {
                throw new InvalidOperationException($"{LinearLayer.Describe(product)} took no scale: {reason ?? failure}.");
            }
        }
    }

    private static bool HasOneConstant(Node node) => node.Inputs.Count(input => input!.Constant is not null) == 1;

    private static int ConstantOf(Node node) => node.Inputs[0]!.Constant is not null ? 0 : 1;

    /// <summary>Whether every constant on the way has one number a channel.</summary>
    private bool AreVectors(int channels, out string? reason)
    {
        (Node Node, int Input) other = constants.FirstOrDefault(constant =>
            constant.Node.Inputs[constant.Input]!.Constant is not { ElementType: ElementType.Float } tensor || tensor.Length != channels || tensor.Dimensions[^1] != channels);
        reason = other.Node is null ? null : $"'{other.Node.Inputs[other.Input]!.Name}' is not one constant number a channel";
        return reason is null;
    }
}
