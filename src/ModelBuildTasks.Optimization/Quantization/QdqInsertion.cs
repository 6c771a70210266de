using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Writes the quantization into the graph: QuantizeLinear → DequantizeLinear on activations, stored integers → DequantizeLinear
/// on weights and biases. ONNX Runtime turns the pattern into integer kernels when it loads the model.
/// </summary>
internal sealed class QdqInsertion(Graph graph, TargetProfile target, IReadOnlyDictionary<Value, QuantizationParameters> activations)
{
    /// <summary>Half of what 32 bits hold, which leaves room for the products that are added to the bias.</summary>
    private const float LargestBias = 1 << 30;

    private readonly Dictionary<Value, Value> dequantized = [];
    private readonly Dictionary<Value, float> scales = [];

    /// <summary>Quantizes one node: its activations, its weight and bias, and its output.</summary>
    internal void Insert(Node node, bool quantizeOutput)
    {
        foreach (int index in IntegerOperators.ActivationInputs(node))
        {
            Value activation = node.Input(index)!;
            if (!scales.ContainsKey(activation))
            {
                node.SetInput(index, Dequantized(activation));
            }
        }

        if (IntegerOperators.HasIntegerProduct(node))
        {
            QuantizeWeight(node);
        }

        if (quantizeOutput)
        {
            QuantizeOutput(IntegerRegion.OutputOf(node));
        }
    }

    private Value Dequantized(Value activation)
    {
        if (!dequantized.TryGetValue(activation, out Value? result))
        {
            dequantized[activation] = result = AddPair(activation);
            scales[result] = activations[activation].Scale;
        }

        return result;
    }

    /// <summary>Every reader of an integer kernel's output reads the dequantized form: the float form is never computed.</summary>
    private void QuantizeOutput(Value output)
    {
        if (dequantized.ContainsKey(output))
        {
            return;
        }

        Use[] readers = [.. output.Uses];
        Value result = Dequantized(output);
        foreach (Use reader in readers)
        {
            reader.Node.SetInput(reader.Index, result);
        }
    }

    private Value AddPair(Value activation)
    {
        QuantizationParameters parameters = activations[activation];
        Value scale = graph.AddInitializer(activation.Name + "_scale", Tensor.Scalar(parameters.Scale));
        Value zeroPoint = graph.AddInitializer(
            activation.Name + "_zero_point",
            parameters.Type == ElementType.Int8 ? Tensor.Scalar((sbyte)parameters.ZeroPoint) : Tensor.Scalar((byte)parameters.ZeroPoint));
        Value quantized = graph.AddNode("QuantizeLinear", [activation, scale, zeroPoint], name: graph.UniqueName(activation.Name + "_quantize")).Output;
        return graph.AddNode("DequantizeLinear", [quantized, scale, zeroPoint], name: graph.UniqueName(activation.Name + "_dequantize")).Output;
    }

    private void QuantizeWeight(Node node)
    {
        Value weight = node.Input(1)!;
        Tensor tensor = weight.Constant!;
        int axis = node.OpType == "Conv" || (node.OpType == "Gemm" && node.GetInt("transB", 0) != 0) ? 0 : 1;
        float inputScale = scales[node.Input(0)!];
        float[]? bias = node.Input(2)?.Constant?.ToSingles();
        float[] smallest = bias is null ? [] : [.. bias.Select(value => MathF.Abs(value) / (inputScale * LargestBias))];
        QuantizedWeights quantized = WeightQuantizer.Quantize(tensor, axis, target.WeightBits, smallest);
        node.SetInput(1, Dequantize(weight.Name, Tensor.Create([.. tensor.Dimensions], quantized.Values), quantized.Scales, axis));
        if (bias is not null)
        {
            float[] biasScales = [.. quantized.Scales.Select(scale => scale * inputScale)];
            int[] values = [.. bias.Zip(biasScales, (value, scale) => (int)MathF.Round(value / scale))];
            node.SetInput(2, Dequantize(node.Input(2)!.Name, Tensor.Vector(values), biasScales, axis: 0));
        }
    }

    private Value Dequantize(string name, Tensor integers, float[] channelScales, int axis)
    {
        Value stored = graph.AddInitializer(name + "_quantized", integers);
        Value scale = graph.AddInitializer(name + "_scale", Tensor.Vector(channelScales));
        // DequantizeLinear takes 0 where no zero point is given, but ONNX Runtime's patterns expect one.
        Value zeroPoint = graph.AddInitializer(
            name + "_zero_point",
            integers.ElementType == ElementType.Int8 ? Tensor.Vector(new sbyte[channelScales.Length]) : Tensor.Vector(new int[channelScales.Length]));
        return graph.AddNode("DequantizeLinear", [stored, scale, zeroPoint], name: graph.UniqueName(name + "_dequantize")).Set("axis", (long)axis).Output;
    }
}
