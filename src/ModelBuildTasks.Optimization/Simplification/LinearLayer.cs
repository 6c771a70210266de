using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// A Conv, ConvTranspose, Gemm or MatMul with constant weights, seen as y[o] = Σ W[o,i]·x[i] + b[o], so that an affine map of
/// its output or input channels can move into W and b.
/// </summary>
internal sealed class LinearLayer
{
    /// <summary>
    /// How many times the sum of an output's weights, which is what inputs of order one can make of it, a shift behind the layer may be. What follows may take
    /// it away again (y + 1e8 − 1e8), and then as much of the result is left as the two were rounded by, which is twice 80·2⁻²⁴ = 1e-5 in float32.
    /// </summary>
    private const double HeaviestShiftBehind = 80;

    private readonly Tensor weight;
    private readonly int groups;

    // The size of each axis and the numbers from one channel to the next: asked for every weight, of which there may be a hundred million.
    private readonly int inputSize;
    private readonly int outputSize;
    private readonly int inputStride;
    private readonly int outputStride;
    private readonly bool groupsOutputs;
    private readonly bool groupsInputs;

    private LinearLayer(Node node, Tensor weight, int inputAxis, int outputAxis, int groups)
    {
        Node = node;
        this.weight = weight;
        this.groups = groups;
        inputSize = (int)weight.Dimensions[inputAxis];
        outputSize = (int)weight.Dimensions[outputAxis];
        inputStride = Stride(inputAxis);
        outputStride = Stride(outputAxis);
        groupsOutputs = groups > 1 && node.OpType == "ConvTranspose";
        groupsInputs = groups > 1 && node.OpType == "Conv";
    }

    internal Node Node { get; }

    /// <summary>Number of output channels.</summary>
    internal int OutputChannels => groupsOutputs ? outputSize * groups : outputSize;

    /// <summary>Number of input channels.</summary>
    internal int InputChannels => groupsInputs ? inputSize * groups : inputSize;

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
        else if (ChannelAffine.HasDoubles(weight) && weight.Dimensions.Count >= 2 && weight.Length > 0)
        {
            long groups = node.GetInt("group", 1);
            if (groups < 1 || weight.Dimensions[0] % groups != 0)
            {
                // Both layers have the channels that the groups divide first: a Conv its outputs, a ConvTranspose its inputs.
                reason = $"the {weight.Dimensions[0]} channels of {Describe(node)} can't be divided into {groups} groups";
                return null;
            }

            bool transposed = node.GetInt("transB", 0) != 0;
            return node.OpType switch
            {
                "Conv" => new LinearLayer(node, weight, 1, 0, (int)groups),
                "ConvTranspose" => new LinearLayer(node, weight, 0, 1, (int)groups),
                "Gemm" => new LinearLayer(node, weight, transposed ? 1 : 0, transposed ? 0 : 1, 1),
                _ when weight.Dimensions.Count == 2 => new LinearLayer(node, weight, 0, 1, 1),
                _ => null,
            };
        }

        return null;
    }

    /// <summary>y·s + t: W' = s[o]·W, b' = s·b + t. MatMul has no bias, and takes a scale only.</summary>
    /// <param name="affine">The map.</param>
    /// <param name="absorbed">The node that computes it now, and is to go.</param>
    /// <param name="growth">What a new bias may add to the file.</param>
    /// <returns>Why nothing was done; null when it was.</returns>
    internal string? AbsorbAfter(ChannelAffine affine, Node absorbed, GrowthBudget growth)
    {
        if (IsMatMul && affine.HasShift)
        {
            return $"{Describe(Node)} has no bias";
        }

        (Node Owner, int Input) place = (Node, 2);
        if (Bias(place, out string? reason) is not { } bias)
        {
            return reason;
        }

        double[] weights = ChannelAffine.Doubles(weight)!;
        double[] scaled = new double[weights.Length];
        for (int i = 0; i < scaled.Length; i++)
        {
            scaled[i] = weights[i] * affine.Scale[OutputChannel(i)];
        }

        double alpha = Alpha;

        double heaviest = 0;
        for (int o = 0; o < bias.Length; o++)
        {
            heaviest = Math.Max(heaviest, Math.Abs(bias[o] * affine.Scale[o]) + Math.Abs(affine.Shift[o]));
            bias[o] = bias[o] * affine.Scale[o] + affine.Shift[o];
        }

        double reach = affine.HasShift ? SumOfOutputs((i, _) => alpha * scaled[i]).Max() : 0;
        if (affine.HasShift && heaviest > HeaviestShiftBehind * reach)
        {
            return $"{Describe(Node)} makes numbers of order {reach:g2}, which would be rounded beside a bias of order {heaviest:g2}";
        }

        return Store(scaled, bias, bias, NeedsBias(affine, place) ? place : null, absorbed, growth);
    }

    /// <summary>
    /// W·(x·s + t): W' = W·s[i], b' = b + Σ W·t. With padding, a shift would not reach the padded border. A MatMul has its bias in the Add behind it.
    /// </summary>
    /// <param name="shares">What shifts layers have taken already.</param>
    /// <inheritdoc cref="AbsorbAfter"/>
    internal string? AbsorbBefore(ChannelAffine affine, Node absorbed, GrowthBudget growth, ShiftShares shares)
    {
        if (affine.HasShift && (Node.OpType == "ConvTranspose" || IsPadded))
        {
            return $"{Describe(Node)} pads with zeros, which the shift would not reach";
        }

        if (affine.HasShift && IsMatMul && AddedBias() is null)
        {
            return $"{Describe(Node)} has no bias";
        }

        (Node Owner, int Input) place = affine.HasShift && AddedBias() is { } added ? added : (Node, 2);
        if (Bias(place, out string? reason) is not { } bias)
        {
            return reason;
        }

        double alpha = Alpha;
        double[] weights = ChannelAffine.Doubles(weight)!;
        double left = bias.Max(Math.Abs);
        double heaviest = affine.HasShift ? SumOfOutputs((i, channel) => alpha * weights[i] * affine.Shift[channel]).Max() : 0;
        if (!shares.TryTake(Node.Inputs[1]!, heaviest, left))
        {
            return $"a shift that {Describe(Node)} makes {heaviest:g2} of would be rounded beside its bias of order {left:g2}, which is all that is left where the shift takes the input to zero";
        }

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

        return Store(scaled, bias, new double[bias.Length], NeedsBias(affine, place) ? place : null, absorbed, growth);
    }

    /// <summary>Visits each weight as (output channel, input channel, weight), α of a Gemm included.</summary>
    internal void VisitWeights(Action<int, int, double> visit)
    {
        double alpha = Alpha;
        double[] weights = ChannelAffine.Doubles(weight)!;
        for (int i = 0; i < weights.Length; i++)
        {
            visit(OutputChannel(i), InputChannel(i), alpha * weights[i]);
        }
    }

    /// <summary>The bias, one number for each output channel, zeros where there is none; null when it is not one constant a channel.</summary>
    internal double[]? BiasOfChannels() => Bias((Node, 2), out _);

    internal static string Describe(Node node) => node.Name.Length > 0 ? $"{node.OpType} '{node.Name}'" : $"the {node.OpType} that makes '{node.Output.Name}'";

    /// <summary>What a Gemm multiplies its product by.</summary>
    private double Alpha => Node.OpType == "Gemm" ? Node.GetFloat("alpha", 1) : 1;

    private bool IsPadded => (Node.GetInts("pads")?.Any(pad => pad != 0) ?? false) || Node.GetString("auto_pad") is not (null or "NOTSET" or "VALID");

    /// <summary>Where the one reader of a MatMul adds a constant vector to it; null when none does.</summary>
    private (Node Owner, int Input)? AddedBias()
    {
        if (!IsMatMul || Node.Output is not { IsOutput: false, Uses: [{ Node: { OpType: "Add", Domain: "" } sum } use] } || sum.Graph != Node.Graph)
        {
            return null;
        }

        int other = 1 - use.Index;
        return sum.Input(other)?.Constant is { Dimensions.Count: 1 } constant && constant.ElementType == weight.ElementType && constant.Length == OutputChannels ? (sum, other) : null;
    }

    private double[]? Bias((Node Owner, int Input) place, out string? reason)
    {
        reason = null;
        if (place.Owner.Input(place.Input) is not { } value)
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

    /// <summary>Sums of magnitudes over the weights of each output channel; <paramref name="part"/> takes a weight's index and its input channel.</summary>
    private double[] SumOfOutputs(Func<int, int, double> part)
    {
        double[] sums = new double[OutputChannels];
        for (int i = 0; i < (int)weight.Length; i++)
        {
            sums[OutputChannel(i)] += Math.Abs(part(i, InputChannel(i)));
        }

        return sums;
    }

    private static bool NeedsBias(ChannelAffine affine, (Node Owner, int Input) place) => place.Owner.Input(place.Input) is not null || affine.HasShift;

    private int Stride(int axis) => (int)weight.Dimensions.Skip(axis + 1).Aggregate(1L, (product, size) => product * size);

    private int AlongInputs(int element) => element / inputStride % inputSize;

    private int AlongOutputs(int element) => element / outputStride % outputSize;

    private int OutputChannel(int element) =>
        groupsOutputs ? GroupOf(AlongInputs(element), InputChannels) * outputSize + AlongOutputs(element) : AlongOutputs(element);

    private int InputChannel(int element) =>
        groupsInputs ? GroupOf(AlongOutputs(element), OutputChannels) * inputSize + AlongInputs(element) : AlongInputs(element);

    private int GroupOf(int channel, int channels) => channel / (channels / groups);

    /// <param name="besides">What each output channel has besides its weights, in numbers of the same order: inputs of order one.</param>
    private string? Store(double[] newWeights, double[] newBias, double[] besides, (Node Owner, int Input)? biasPlace, Node absorbed, GrowthBudget growth)
    {
        Tensor stored = Narrow(newWeights, [.. weight.Dimensions]);
        Tensor storedBias = Narrow(newBias, [newBias.Length]);
        double[] rounded = ChannelAffine.Doubles(stored)!;
        if (!rounded.All(double.IsFinite) || !ChannelAffine.Doubles(storedBias)!.All(double.IsFinite))
        {
            return $"the weights of {Describe(Node)} would overflow {weight.ElementType}";
        }

        if (LosesDigits(newWeights, rounded, besides))
        {
            return $"the weights of {Describe(Node)} would fall below the smallest normal number of {weight.ElementType}, where it has fewer digits";
        }

        if (biasPlace is { } bias && !growth.TrySpend(storedBias.Data.Length - VanishingBytes(bias.Owner.Input(bias.Input), bias.Owner, absorbed)))
        {
            return $"a bias for {Describe(Node)} would take {storedBias.Data.Length} bytes, more than what would vanish";
        }

        Replace(Node, 1, stored, Node.Input(1)!.Name);
        if (biasPlace is { } place)
        {
            Replace(place.Owner, place.Input, storedBias, Node.Input(1)!.Name + "_bias");
            Node.Unset("beta");
        }

        return null;
    }

    /// <summary>
    /// Whether the weights of an input or output channel are rounded by more, in the root of the mean square, than normal numbers are, which is at most
    /// <see cref="Precision"/>. Single weights near zero, which every layer has, may: they count for nothing beside the others. So may those of a channel that
    /// training has brought to naught, and that gives its bias only: <paramref name="besides"/> is what each output has besides weights for inputs of order one.
    /// </summary>
    private bool LosesDigits(double[] exact, double[] rounded, double[] besides)
    {
        (double smallestNormal, double roundOff) = Precision;
        if (!exact.Any(value => value != 0 && Math.Abs(value) < smallestNormal))
        {
            return false;
        }

        double[] outputErrors = new double[OutputChannels];
        double[] outputSquares = new double[OutputChannels];
        double[] inputErrors = new double[InputChannels];
        double[] inputSquares = new double[InputChannels];
        for (int i = 0; i < exact.Length; i++)
        {
            // In units of the smallest normal number, whose square is zero in doubles where it is that of double.
            double error = (rounded[i] - exact[i]) / smallestNormal;
            double value = exact[i] / smallestNormal;
            double beside = besides[OutputChannel(i)] / smallestNormal;
            double square = value * value + beside * beside;
            outputErrors[OutputChannel(i)] += error * error;
            outputSquares[OutputChannel(i)] += square;
            inputErrors[InputChannel(i)] += error * error;
            inputSquares[InputChannel(i)] += square;
        }

        bool Exceeds(double[] errors, double[] squares) => errors.Zip(squares).Any(sums => sums.First > roundOff * roundOff * sums.Second);
        return Exceeds(outputErrors, outputSquares) || Exceeds(inputErrors, inputSquares);
    }

    /// <summary>The smallest normal number of the weights' type and the largest relative error of rounding to one (IEEE 754).</summary>
    private (double SmallestNormal, double RoundOff) Precision => weight.ElementType switch
    {
        ElementType.Float16 => (Math.ScaleB(1, -14), Math.ScaleB(1, -11)),
        ElementType.Float => (Math.ScaleB(1, -126), Math.ScaleB(1, -24)),
        _ => (Math.ScaleB(1, -1022), Math.ScaleB(1, -53)),
    };

    /// <summary>What goes when <paramref name="absorbed"/> goes and <paramref name="owner"/> gets another bias.</summary>
    private static long VanishingBytes(Value? bias, Node owner, Node absorbed)
    {
        bool IsOnlyRead(Value? value) => value is { Initializer: not null, IsOutput: false } && value.Uses.All(use => use.Node == owner || use.Node == absorbed);
        return absorbed.StoredBytes + absorbed.Inputs.Append(bias).Where(IsOnlyRead).Distinct().Sum(value => (long)value!.Initializer!.Data.Length);
    }

    private static void Replace(Node node, int index, Tensor tensor, string hint)
    {
        Value? current = node.Input(index);
        if (current is { Initializer: not null, Uses.Count: 1, IsOutput: false } && current.Initializer.Dimensions.SequenceEqual(tensor.Dimensions))
        {
            current.Initializer = tensor;
            return;
        }

        node.SetInput(index, node.Graph.AddInitializer(current?.Name ?? hint, tensor));
    }

    private Tensor Narrow(double[] values, long[] dimensions) => weight.ElementType switch
    {
        ElementType.Float => Tensor.Create(dimensions, Array.ConvertAll(values, v => (float)v)),
        ElementType.Float16 => Tensor.Create(dimensions, Array.ConvertAll(values, v => (Half)v)),
        _ => Tensor.Create(dimensions, values),
    };
}
