using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>A Conv, MatMul or Gemm with constant weights, as the integer kernels want it.</summary>
/// <param name="Weight">Float; [outputs, inputs/groups, …] of a Conv, [inputs, outputs] of a MatMul, either of a Gemm.</param>
/// <param name="Bias">One number an output channel, [N]; null when there is none.</param>
/// <param name="ChannelAxis">The axis of <paramref name="Weight"/> along the output channels.</param>
/// <param name="IsPooled">
/// Whether this is a 1×1 convolution of what global pooling left, whose result shows in an output. It is a matrix product, which
/// can give floats where a convolution can't.
/// </param>
internal sealed record Layer(Node Node, Tensor Weight, Tensor? Bias, int ChannelAxis, bool IsPooled = false)
{
    /// <summary>Whether the layer is a product of matrices, which can give floats.</summary>
    internal bool IsProduct => Node.OpType != "Conv" || IsPooled;

    /// <summary>Whether another operator reads the same weights.</summary>
    internal bool IsTied { get; private init; }

    /// <summary>The weights of one output.</summary>
    internal int Inputs => (int)(Weight.Length / OutputChannels);

    internal int OutputChannels => (int)Weight.Dimensions[ChannelAxis];

    /// <summary>Sees a node as such a layer; null with the reason where no integer kernel fits it.</summary>
    internal static Layer? From(Node node, out string? reason)
    {
        reason = null;
        if (node.Input(1)?.Constant is not { ElementType: ElementType.Float } weight)
        {
            reason = node.Input(1)?.Producer?.OpType == "DequantizeLinear" ? "the model brings its weights as integers" : "its weights are not constant float32";
            return null;
        }

        if (node.Input(0) is null || node.Input(0)!.Constant is not null)
        {
            reason = "its input is constant";
            return null;
        }

        int axis = node.OpType switch
        {
            "Conv" => 0,
            "Gemm" => node.GetInt("transB", 0) != 0 ? 0 : 1,
            _ => 1,
        };
        if (node.OpType == "Conv" ? weight.Dimensions.Count < 3 : weight.Dimensions.Count != 2)
        {
            reason = $"its weights have {weight.Dimensions.Count} dimensions";
            return null;
        }

        if (weight.Length == 0)
        {
            reason = "its weights are empty";
            return null;
        }

        if (!TensorPrimitives.IsFiniteAll(weight.Span<float>()))
        {
            reason = "its weights hold numbers that are not finite";
            return null;
        }

        if (node.GetInt("transA", 0) != 0)
        {
            reason = "it transposes its input";
            return null;
        }

        bool pooled = IsPooledConvolution(node, weight);
        bool tied = node.Inputs[1]!.Uses.Count > 1;
        if (node.OpType == "MatMul" || node.Input(2) is null)
        {
            return new Layer(node, weight, null, axis, pooled) { IsTied = tied };
        }

        Tensor? bias = BiasVector(node.Input(2)!.Constant, weight.Dimensions[axis]);
        reason = bias is null ? "its bias is not one constant number for each output"
            : TensorPrimitives.IsFiniteAll(bias.Span<float>()) ? null
            : "its bias holds numbers that are not finite";
        return reason is not null ? null : new Layer(node, weight, bias, axis, pooled) { IsTied = tied };
    }

    /// <summary>
    /// For a Gemm, α·x·Wᵀ + β·b → x·(αWᵀ) + βb: weights [inputs, outputs] and a bias that are used as they are. Other layers already have that form.
    /// </summary>
    internal Layer Canonical()
    {
        if (Node.OpType != "Gemm")
        {
            return this;
        }

        float alpha = Node.GetFloat("alpha", 1);
        float beta = Node.GetFloat("beta", 1);
        int inputs = (int)Weight.Dimensions[1 - ChannelAxis];
        ReadOnlySpan<float> source = Weight.Span<float>();
        float[] weight = new float[source.Length];
        for (int i = 0; i < inputs; i++)
        {
            for (int o = 0; o < OutputChannels; o++)
            {
                weight[i * OutputChannels + o] = alpha * source[ChannelAxis == 0 ? o * inputs + i : i * OutputChannels + o];
            }
        }

        return this with
        {
            Weight = Tensor.Create([inputs, OutputChannels], weight),
            Bias = Bias is null ? null : Tensor.Vector(Array.ConvertAll(Bias.ToSingles(), b => beta * b)),
            ChannelAxis = 1,
        };
    }

    private static bool IsPooledConvolution(Node node, Tensor weight) =>
        node.OpType == "Conv" && node.GetInt("group", 1) == 1 && weight.Dimensions.Skip(2).All(size => size == 1)
        && node.Input(0)!.Producer is { OpType: "GlobalAveragePool", Domain: "" }
        && (node.GetInts("pads")?.All(pad => pad == 0) ?? true)
        && OutputVisibility.IsVisible(node);

    /// <summary>A Gemm's C may be a scalar, [N] or [1, N]: all mean [N].</summary>
    private static Tensor? BiasVector(Tensor? stored, long channels)
    {
        if (stored is not { ElementType: ElementType.Float } || stored.Dimensions.SkipLast(1).Any(size => size != 1))
        {
            return null;
        }

        if (stored.Length == channels)
        {
            return stored.WithDimensions(channels);
        }

        return stored.Length == 1 ? Tensor.Vector([.. Enumerable.Repeat(stored.Span<float>()[0], (int)channels)]) : null;
    }
}
