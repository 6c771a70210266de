using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// A Conv, ConvTranspose, Gemm or MatMul with constant weights, seen as y[o] = Σ W[o,i]·x[i] + b[o], so that an affine map of
/// its output or input channels can move into W and b.
/// </summary>
internal sealed class LinearLayer
{
    private readonly Tensor weight;
    private readonly int inputAxis;
    private readonly int outputAxis;
    private readonly int groups;

    private LinearLayer(Node node, Tensor weight, int inputAxis, int outputAxis, int groups)
    {
        Node = node;
        this.weight = weight;
        this.inputAxis = inputAxis;
        this.outputAxis = outputAxis;
        this.groups = groups;
    }

    internal Node Node { get; }

    /// <summary>Number of output channels.</summary>
    internal int OutputChannels => (int)weight.Dimensions[outputAxis] * (Node.OpType == "ConvTranspose" ? groups : 1);

    /// <summary>Number of input channels.</summary>
    internal int InputChannels => (int)weight.Dimensions[inputAxis] * (Node.OpType == "Conv" ? groups : 1);

    /// <summary>Dimensions of the input and the output; null for MatMul, which takes any number.</summary>
    internal int? Rank => Node.OpType == "MatMul" ? null : weight.Dimensions.Count;

    internal bool IsMatMul => Node.OpType == "MatMul";

    internal static bool IsLinear(Node node) => node is { OpType: "Conv" or "ConvTranspose" or "Gemm" or "MatMul", Domain: "" };

    /// <summary>Sees a node as a layer whose weights may be changed; null with a reason otherwise.</summary>
    internal static LinearLayer? From(Node node, out string? reason)
    {
        reason = null;
        if (node.Input(1) is not { } value || value.Constant is not { } weight)
        {
            reason = $"the weight of {Describe(node)} is not constant";
        }
        else if (value.Uses.Count > 1 || value.IsOutput)
        {
            reason = $"'{value.Name}' is used by another node";
        }
        else if (ChannelAffine.HasDoubles(weight) && weight.Dimensions.Count >= 2)
        {
            bool transposed = node.GetInt("transB", 0) != 0;
            return node.OpType switch
            {
                "Conv" => new LinearLayer(node, weight, 1, 0, (int)node.GetInt("group", 1)),
                "ConvTranspose" => new LinearLayer(node, weight, 0, 1, (int)node.GetInt("group", 1)),
                "Gemm" => new LinearLayer(node, weight, transposed ? 1 : 0, transposed ? 0 : 1, 1),
                _ when weight.Dimensions.Count == 2 => new LinearLayer(node, weight, 0, 1, 1),
                _ => null,
            };
        }

        return null;
    }

    /// <summary>y·s + t: W' = s[o]·W, b' = s·b + t. MatMul has no bias, and takes a scale only.</summary>
    internal string? AbsorbAfter(ChannelAffine affine)
    {
        if (IsMatMul && affine.HasShift)
        {
            return $"{Describe(Node)} has no bias";
        }

        if (Bias(out string? reason) is not { } bias)
        {
            return reason;
        }

        double[] weights = ChannelAffine.Doubles(weight)!;
        double[] scaled = new double[weights.Length];
        for (int i = 0; i < scaled.Length; i++)
        {
            scaled[i] = weights[i] * affine.Scale[OutputChannel(i)];
        }

        for (int o = 0; o < bias.Length; o++)
        {
            bias[o] = bias[o] * affine.Scale[o] + affine.Shift[o];
        }

        return Store(scaled, bias, withBias: NeedsBias(affine));
    }

    /// <summary>W·(x·s + t): W' = W·s[i], b' = b + Σ W·t. With padding, a shift would not reach the padded border.</summary>
    internal string? AbsorbBefore(ChannelAffine affine)
    {
        if (affine.HasShift && (IsMatMul || Node.OpType == "ConvTranspose" || IsPadded))
        {
            return IsMatMul ? $"{Describe(Node)} has no bias" : $"{Describe(Node)} pads with zeros, which the shift would not reach";
        }

        if (Bias(out string? reason) is not { } bias)
        {
            return reason;
        }

        double alpha = Node.OpType == "Gemm" ? Node.GetFloat("alpha", 1) : 1;
        double[] weights = ChannelAffine.Doubles(weight)!;
        double[] scaled = new double[weights.Length];
        for (int i = 0; i < scaled.Length; i++)
        {
            int channel = InputChannel(i);
            scaled[i] = weights[i] * affine.Scale[channel];
            if (affine.HasShift)
            {
                bias[OutputChannel(i)] += alpha * weights[i] * affine.Shift[channel];
            }
        }

        return Store(scaled, bias, withBias: NeedsBias(affine));
    }

    /// <summary>Visits each weight as (output channel, input channel, weight), α of a Gemm included.</summary>
    internal void VisitWeights(Action<int, int, double> visit)
    {
        double alpha = Node.OpType == "Gemm" ? Node.GetFloat("alpha", 1) : 1;
        double[] weights = ChannelAffine.Doubles(weight)!;
        for (int i = 0; i < weights.Length; i++)
        {
            visit(OutputChannel(i), InputChannel(i), alpha * weights[i]);
        }
    }

    /// <summary>The bias, one number for each output channel, zeros where there is none; null when it is not one constant a channel.</summary>
    internal double[]? BiasOfChannels() => Bias(out _);

    internal static string Describe(Node node) => node.Name.Length > 0 ? $"{node.OpType} '{node.Name}'" : $"the {node.OpType} that makes '{node.Output.Name}'";

    private bool IsPadded => (Node.GetInts("pads")?.Any(pad => pad != 0) ?? false) || Node.GetString("auto_pad") is not (null or "NOTSET" or "VALID");

    private double[]? Bias(out string? reason)
    {
        reason = null;
        if (IsMatMul || Node.Input(2) is not { } value)
        {
            return new double[OutputChannels];
        }

        double beta = Node.OpType == "Gemm" ? Node.GetFloat("beta", 1) : 1;
        double[]? stored = ChannelAffine.Doubles(value.Constant);
        // A Gemm's C may also have a row for each sample; only one value a channel can take a shift.
        bool perChannel = stored is not null && (stored.Length == 1 || (stored.Length == OutputChannels && value.Constant!.Dimensions[^1] == OutputChannels));
        if (!perChannel)
        {
            reason = $"'{value.Name}', the bias of {Describe(Node)}, is not one constant a channel";
            return null;
        }

        double[] bias = new double[OutputChannels];
        for (int o = 0; o < bias.Length; o++)
        {
            bias[o] = beta * stored![stored.Length == 1 ? 0 : o];
        }

        return bias;
    }

    /// <summary>A Gemm may only leave its bias out since opset 11.</summary>
    private bool NeedsBias(ChannelAffine affine) => Node.OpType == "Gemm" || Node.Input(2) is not null || affine.HasShift;

    private int InnerSize(int axis) => (int)weight.Dimensions.Skip(axis + 1).Aggregate(1L, (product, size) => product * size);

    private int Along(int element, int axis) => element / InnerSize(axis) % (int)weight.Dimensions[axis];

    private int OutputChannel(int element) =>
        Node.OpType == "ConvTranspose" ? GroupOf(Along(element, inputAxis), InputChannels) * (int)weight.Dimensions[outputAxis] + Along(element, outputAxis) : Along(element, outputAxis);

    private int InputChannel(int element) =>
        Node.OpType == "Conv" ? GroupOf(Along(element, outputAxis), OutputChannels) * (int)weight.Dimensions[inputAxis] + Along(element, inputAxis) : Along(element, inputAxis);

    private int GroupOf(int channel, int channels) => channel / (channels / groups);

    private string? Store(double[] newWeights, double[] newBias, bool withBias)
    {
        Tensor stored = Narrow(newWeights, [.. weight.Dimensions]);
        Tensor storedBias = Narrow(newBias, [newBias.Length]);
        if (!IsFinite(stored) || !IsFinite(storedBias))
        {
            return $"the weights of {Describe(Node)} would overflow {weight.ElementType}";
        }

        Replace(1, stored, Node.Input(1)!.Name);
        if (withBias)
        {
            Replace(2, storedBias, Node.Input(1)!.Name + "_bias");
            Node.Unset("beta");
        }

        return null;
    }

    private void Replace(int index, Tensor tensor, string hint)
    {
        Value? current = Node.Input(index);
        if (current is { Initializer: not null, Uses.Count: 1, IsOutput: false } && current.Initializer.Dimensions.SequenceEqual(tensor.Dimensions))
        {
            current.Initializer = tensor;
            return;
        }

        Node.SetInput(index, Node.Graph.AddInitializer(current?.Name ?? hint, tensor));
    }

    private Tensor Narrow(double[] values, long[] dimensions) => weight.ElementType switch
    {
        ElementType.Float => Tensor.Create(dimensions, Array.ConvertAll(values, v => (float)v)),
        ElementType.Float16 => Tensor.Create(dimensions, Array.ConvertAll(values, v => (Half)v)),
        _ => Tensor.Create(dimensions, values),
    };

    private static bool IsFinite(Tensor tensor) => ChannelAffine.Doubles(tensor)!.All(double.IsFinite);
}
