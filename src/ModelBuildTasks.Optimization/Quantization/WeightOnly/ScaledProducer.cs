using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>What computes a value and can divide each of its channels, those of its last axis, by a constant.</summary>
internal sealed class ScaledProducer
{
    private readonly List<(Node Node, int Input)> constants = [];
    private Node? product;

    private ScaledProducer()
    {
    }

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
                case { OpType: "Relu", Domain: "" }:
                    current = node.Inputs[0]!;
                    break;
                case { OpType: "Add", Domain: "" } when node.Inputs.Count(input => input!.Constant is not null) == 1:
                    int constant = node.Inputs[0]!.Constant is not null ? 0 : 1;
                    found.constants.Add((node, constant));
                    current = node.Inputs[1 - constant]!;
                    break;
                case { OpType: "MatMul" or "Gemm", Domain: "" }:
                    found.product = node;
                    reason = PackedProduct.From(node, out string? refusal)?.Read.Node == node ? null : refusal ?? "its weights cannot be changed";
                    return reason is null && LinearLayer.From(node, out reason) is not null && found.AreVectors(channels, out reason) ? found : null;
                default:
                    reason = $"{LinearLayer.Describe(node)} computes it, into which no scale can go";
                    return null;
            }
        }
    }

    /// <param name="scales">Powers of two, one a channel.</param>
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

    /// <summary>Whether every constant on the way has one number a channel.</summary>
    private bool AreVectors(int channels, out string? reason)
    {
        (Node Node, int Input) other = constants.FirstOrDefault(constant =>
            constant.Node.Inputs[constant.Input]!.Constant is not { ElementType: ElementType.Float } tensor || tensor.Length != channels || tensor.Dimensions[^1] != channels);
        reason = other.Node is null ? null : $"'{other.Node.Inputs[other.Input]!.Name}' is not one constant number a channel";
        return reason is null;
    }
}
