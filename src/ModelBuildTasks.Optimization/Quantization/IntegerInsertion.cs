using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Rounding;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Writes the chosen nodes in the form that the runtime fuses: DequantizeLinear in front of an operator with an integer kernel,
/// QuantizeLinear behind it, nothing between it and its quantization. Operators that move elements stand on the integers
/// themselves. The model must be of operator set 13 or later, where scales may differ by channel.
/// </summary>
internal sealed class IntegerInsertion
{
    /// <summary>The first operator set with per-channel QuantizeLinear.</summary>
    internal const long FirstOpset = 13;

    private readonly Graph graph;
    private readonly NodeSelection selection;
    private readonly ScaleAssignment scales;
    private readonly IReadOnlyDictionary<Value, double[]> means;
    private readonly TargetProfile target;
    private readonly WeightRounding round;
    private readonly Dictionary<Value, Value> codes = [];
    private readonly Dictionary<Value, Value> dequantized = [];
    private readonly Dictionary<Value, Value> dequantizedByChannel = [];
    private readonly Dictionary<(Value, int), Value> weights = [];

    private IntegerInsertion(Graph graph, NodeSelection selection, ScaleAssignment scales, IReadOnlyDictionary<Value, double[]> means, TargetProfile target, WeightRounding round)
    {
        this.graph = graph;
        this.selection = selection;
        this.scales = scales;
        this.means = means;
        this.target = target;
        this.round = round;
    }

    /// <param name="means">The mean of each input channel of convolutions, by which their biases are corrected.</param>
    /// <param name="round">How weights become integers.</param>
    internal static void Apply(Graph graph, NodeSelection selection, ScaleAssignment scales, IReadOnlyDictionary<Value, double[]> means, TargetProfile target, WeightRounding round)
    {
        IntegerInsertion insertion = new(graph, selection, scales, means, target, round);
        // Decisions are read from the graph as it was; edits follow.
        foreach (Step step in selection.Nodes.Select(insertion.Plan).ToArray())
        {
            insertion.Write(step);
        }

        graph.RemoveUnused();
    }

    /// <summary>The name of the product that a convolution of pooled channels becomes.</summary>
    internal static string ProductName(Node convolution) => convolution.Output.Name + "_product";

    /// <summary>The bits that a layer's weights get, 7 or 8.</summary>
    internal static int WeightBits(Layer layer, TargetProfile target) =>
        // The kernel for depthwise convolutions multiplies in 16 bits and adds in 32 (MlasConvDepthwiseKernel), so it never saturates.
        layer.IsTied ? target.UnsaturatedWeightBits : QuantizableOperators.IsDepthwise(layer.Node, layer.Weight) ? 8 : target.WeightBits;

    private Step Plan(Node node)
    {
        int[] inputs = [.. QuantizableOperators.DataInputs(node)];
        Value result = selection.ResultOf(node);
        Node? clamp = selection.Clamp(node);
        bool givesIntegers = selection.GivesIntegers(node);
        bool onCodes = QuantizableOperators.IsTransparent(node, target) || (QuantizableOperators.IsConcat(node, target) && scales.IsSharing(node));
        return new Step(
            node,
            [.. inputs.Select(index => (index, node.Input(index)!, scales[node.Input(index)!]))],
            givesIntegers ? scales[result] : null,
            result,
            // TensorRT computes from floats whatever its engine does not fuse; on the CPU, the integers are all there is.
            target.ExecutionProvider == TargetProfile.CpuProvider ? [.. result.Uses.Where(use => !selection.IsChosenUse(use))] : [],
            clamp is not null && givesIntegers && scales[result].Clamps(QuantizableOperators.ClampBound(clamp)!.Value) ? clamp : null,
            onCodes);
    }

    private void Write(Step step)
    {
        Value result = step.Result;
        if (step.OnCodes)
        {
            foreach ((int index, Value input, QuantizationParameters parameters) in step.Inputs)
            {
                step.Node.SetInput(index, CodesOf(input, parameters));
            }

            OperateOnCodes(step.Node, step.Inputs[0].Parameters);
            codes[step.Result] = step.Result;
        }
        else
        {
            foreach ((int index, Value input, QuantizationParameters parameters) in step.Inputs)
            {
                step.Node.SetInput(index, Dequantized(input, parameters));
            }

            if (selection.Layers.TryGetValue(step.Node, out Layer? layer))
            {
                if (layer.IsPooled)
                {
                    (layer, result) = AsProduct(layer, step.Inputs[0].Value);
                }

                WriteWeights(layer, step.Inputs[0].Parameters.Scale, means.GetValueOrDefault(step.Inputs[0].Value));
                if (step.ResultParameters is null && layer.Node.OpType == "MatMul" && selection.RankOf(layer.Node.Output) > 1)
                {
                    AddedBias.KeepApart(layer.Node);
                }

                if (step.ResultParameters is null && selection.Clamp(step.Node) is { } clamp && target.ExecutionProvider == TargetProfile.CpuProvider
                    && !ArrivedQuantization.Quantizes(step.Result))
                {
                    FloatClamp.KeepApart(clamp);
                }
            }
        }

        if (step.ResultParameters is not { } resultParameters)
        {
            return;
        }

        if (!step.OnCodes)
        {
            // The clamp is what the lowest and highest code mean.
            Value unclamped = step.AbsorbedClamp?.Inputs[0] ?? result;
            codes[step.Result] = Quantize(unclamped, step.Result.Name, resultParameters);
        }

        foreach (Use use in step.FloatUses)
        {
            bool isForCpu = target.ExecutionProvider == TargetProfile.CpuProvider;
            Value floats = isForCpu && FloatReader.Channels(use) is { } channels
                ? DequantizedByChannel(step.Result, resultParameters, channels)
                : Dequantized(step.Result, resultParameters);
            if (isForCpu && QuantizableOperators.IsDilatedPooling(use.Node))
            {
                // Right behind the DequantizeLinear, ONNX Runtime would make it the integer pooling that has no dilations, and refuse its own model.
                floats = graph.AddNode("Max", [floats, graph.AddInitializer(step.Result.Name + "_least", Tensor.Scalar(float.MinValue))], name: use.Node.Output.Name + "_apart").Output;
            }

            use.Node.SetInput(use.Index, floats);
        }
    }

    private Value CodesOf(Value value, QuantizationParameters parameters)
    {
        if (!codes.TryGetValue(value, out Value? result))
        {
            result = ArrivedQuantization.Of(value, target) == parameters ? value.Producer!.Inputs[0]!
                : value.Constant is { } constant ? graph.AddInitializer(value.Name + "_quantized", QuantizedConstant.From(constant, parameters))
                : Quantize(value, value.Name, parameters);
            codes.Add(value, result);
        }

        return result;
    }

    private Value Dequantized(Value value, QuantizationParameters parameters)
    {
        if (ArrivedQuantization.Of(value, target) == parameters)
        {
            return value;
        }

        if (!dequantized.TryGetValue(value, out Value? result))
        {
            Value source = CodesOf(value, parameters);
            result = Named(graph.AddNode("DequantizeLinear", [source, .. Stored(value.Name, parameters)], name: value.Name + "_dequantize"));
            dequantized.Add(value, result);
        }

        return result;
    }

    /// <summary>The same floats as <see cref="Dequantized"/>, by one scale repeated for each channel.</summary>
    private Value DequantizedByChannel(Value value, QuantizationParameters parameters, int channels)
    {
        if (!dequantizedByChannel.TryGetValue(value, out Value? result))
        {
            Tensor scale = Tensor.Vector([.. Enumerable.Repeat(parameters.Scale, channels)]);
            Tensor zeroPoint = Tensor.FromBytes(parameters.Type, [channels], Enumerable.Repeat(unchecked((byte)parameters.ZeroPoint), channels).ToArray());
            result = Named(graph.AddNode(
                "DequantizeLinear",
                [CodesOf(value, parameters), graph.AddInitializer(value.Name + "_scales", scale), graph.AddInitializer(value.Name + "_zero_points", zeroPoint)],
                name: value.Name + "_dequantize_channels").Set("axis", 1L));
            dequantizedByChannel.Add(value, result);
        }

        return result;
    }

    private Value Quantize(Value value, string name, QuantizationParameters parameters) =>
        Named(graph.AddNode("QuantizeLinear", [value, .. Stored(name, parameters)], name: name + "_quantize"));

    private Value[] Stored(string name, QuantizationParameters parameters) =>
    [
        graph.AddInitializer(name + "_scale", Tensor.Scalar(parameters.Scale)),
        graph.AddInitializer(name + "_zero_point", parameters.ZeroPointTensor()),
    ];

    private void OperateOnCodes(Node node, QuantizationParameters parameters)
    {
        if (node.OpType == "Pad")
        {
            NameAllAxes(node);
            node.SetInput(2, graph.AddInitializer(node.Output.Name + "_zero", parameters.ZeroPointTensor()));
        }

        if (node.Output.Type is { } type)
        {
            node.Output.Type = type with { ElementType = parameters.Type };
        }
    }

    /// <summary>Pads for every axis: when ONNX Runtime moves the channels of convolutions, it does not move the axes that a Pad names.</summary>
    private void NameAllAxes(Node pad)
    {
        if (StatedIntegers.Of(pad, "axes", 3) is not { } axes)
        {
            return;
        }

        int rank = selection.RankOf(pad.Output);
        long[] named = StatedIntegers.Of(pad, "pads", 1)!;
        long[] all = new long[2 * rank];
        for (int i = 0; i < axes.Length; i++)
        {
            long axis = axes[i] < 0 ? axes[i] + rank : axes[i];
            all[axis] = named[i];
            all[axis + rank] = named[i + axes.Length];
        }

        pad.SetInput(1, graph.AddInitializer(pad.Output.Name + "_pads", Tensor.Vector(all)));
        pad.SetInput(3, null);
    }

    private void WriteWeights(Layer layer, float inputScale, double[]? inputMeans)
    {
        Node node = layer.Node;
        Value source = node.Inputs[1]!;
        int bits = WeightBits(layer, target);
        (QuantizedWeight weight, Tensor? corrected, bool isLimited) = StoredLayer.Of(layer, inputScale, inputMeans, target, round);

        if (isLimited || node.OpType == "Gemm" || !weights.TryGetValue((source, bits), out Value? stored))
        {
            stored = DequantizedPerChannel(source.Name, weight.Codes, weight.Scales, weight.Axis, zeroPoint: Tensor.Vector(new sbyte[weight.Scales.Length]));
            if (!isLimited && node.OpType != "Gemm")
            {
                weights.Add((source, bits), stored);
            }
        }

        if (node.OpType == "Gemm")
        {
            node.Unset("alpha");
            node.Unset("beta");
            node.Unset("transB");
        }

        node.SetInput(1, stored);
        string biasName = node.Input(2)?.Name ?? source.Name + "_bias";
        if (corrected is not null)
        {
            node.SetInput(2, target.ExecutionProvider == TargetProfile.CpuProvider
                ? QuantizedBiasValue(biasName, QuantizedBias.From(corrected, inputScale, weight.Scales))
                : graph.AddInitializer(biasName, corrected));
        }
    }

    /// <summary>Conv(x[n, c, 1, 1], W[o, c, 1, 1]) + b → Gemm(x[n, c], Wᵀ, b), in whose shape the runtime needs no quantized result.</summary>
    private (Layer Product, Value Result) AsProduct(Layer layer, Value input)
    {
        Node convolution = layer.Node;
        Value rows = graph.AddNode("Flatten", [codes[input]], name: convolution.Output.Name + "_rows").Set("axis", 1L).Output;
        codes.Add(rows, rows);
        Node product = graph.AddNode(
            "Gemm", [Dequantized(rows, scales[input]), convolution.Inputs[1], convolution.Input(2)], name: ProductName(convolution)).Set("transB", 1L);
        long[] axes = [.. Enumerable.Range(2, layer.Weight.Dimensions.Count - 2)];
        Value result = graph.AddNode(
            "Unsqueeze", [product.Output, graph.AddInitializer(convolution.Output.Name + "_axes", Tensor.Vector(axes))], name: convolution.Output.Name + "_map").Output;
        convolution.Output.ReplaceWith(result);
        graph.Remove(convolution);
        Tensor matrix = layer.Weight.WithDimensions(layer.Weight.Dimensions[0], layer.Weight.Dimensions[1]);
        return (layer with { Node = product, Weight = matrix, IsPooled = false }, result);
    }

    private Value QuantizedBiasValue(string name, QuantizedBias bias) =>
        DequantizedPerChannel(name, bias.Codes, bias.Scales, axis: 0, zeroPoint: Tensor.Vector(new int[bias.Scales.Length]));

    private Value DequantizedPerChannel(string name, Tensor values, float[] channelScales, int axis, Tensor zeroPoint) =>
        Named(graph.AddNode(
            "DequantizeLinear",
            [
                graph.AddInitializer(name + "_quantized", values),
                graph.AddInitializer(name + "_scale", Tensor.Vector(channelScales)),
                graph.AddInitializer(name + "_zero_point", zeroPoint),
            ],
            name: name + "_dequantize").Set("axis", axis));

    /// <summary>Names a node like its output, which is unique: ONNX Runtime refuses two nodes of one name.</summary>
    private static Value Named(Node node)
    {
        node.Name = node.Output.Name;
        return node.Output;
    }

    private sealed record Step(
        Node Node,
        (int Index, Value Value, QuantizationParameters Parameters)[] Inputs,
        QuantizationParameters? ResultParameters,
        Value Result,
        Use[] FloatUses,
        Node? AbsorbedClamp,
        bool OnCodes);
}
