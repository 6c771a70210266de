using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// A channel whose filter is zero has its bias everywhere. Behind pointwise operators and pools it is still one number v, so that Σ W·v of the layer that reads it
/// belongs into that layer's bias, and the weights that read it can be zero. Padding with zeros forbids it where v is not 0: the border would differ.
/// </summary>
internal static class ConstantChannels
{
    private static readonly HashSet<string> Pools = new(StringComparer.Ordinal) { "MaxPool", "GlobalMaxPool", "GlobalAveragePool" };

    private static readonly HashSet<string> Arithmetic = new(StringComparer.Ordinal) { "Add", "Mul", "Sub", "Div", "PRelu", "BatchNormalization" };

    /// <summary>Moves what constant channels contribute into the biases of their readers.</summary>
    /// <returns>The number of channels that a reader no longer reads.</returns>
    internal static int MoveIntoBiases(DependencyGraph graph)
    {
        int moved = 0;
        foreach (Contraction contraction in graph.Contractions)
        {
            if (contraction.Reader is { Domain: "", OpType: "Conv" or "Gemm" or "MatMul" } reader && reader.GetInt("group", 1) == 1 && Layer.From(reader, out _) is { } layer && IsPlain(reader)
                && Trace(contraction.Input.Value) is var (maker, chain) && ZeroFilters(maker) is { Count: > 0 } zeros
                && graph.ShapeOf(maker.Output)?.Count is { } rank && Values(maker, rank, chain) is { } values && values.Length == graph.Channels[contraction.Weight].Length)
            {
                moved += Move(contraction, layer, zeros, values);
            }
        }

        return moved;
    }

    private static bool IsPlain(Node reader) => reader.GetFloat("alpha", 1) == 1 && reader.GetFloat("beta", 1) == 1;

    /// <summary>The layer behind a value, and the operators between, in their order; null where something else makes it.</summary>
    private static (Node Maker, List<Node> Chain)? Trace(Value value)
    {
        List<Node> chain = [];
        while (value.Producer is { Domain: "" } producer)
        {
            if (producer.OpType is "Conv" or "Gemm")
            {
                return IsPlain(producer) ? (producer, chain) : null;
            }

            Value[] computed = [.. producer.Inputs.OfType<Value>().Where(input => input.Constant is null)];
            if (computed.Length != 1 || !(ChannelRules.IsPointwise(producer) || Pools.Contains(producer.OpType) || Arithmetic.Contains(producer.OpType)))
            {
                return null;
            }

            chain.Insert(0, producer);
            value = computed[0];
        }

        return null;
    }

    private static HashSet<int> ZeroFilters(Node maker) =>
        Layer.From(maker, out _) is { } layer ? [.. ZeroSlices(layer.Weight, layer.ChannelAxis)] : [];

    internal static IEnumerable<int> ZeroSlices(Tensor weight, int axis) => TensorSlices.SquaredNorms(weight, axis).Select((norm, i) => (norm, i)).Where(slice => slice.norm == 0).Select(slice => slice.i);

    /// <summary>What a layer without inputs gives behind the operators, one number a channel: they are run on its bias alone. Null where they make more of it.</summary>
    private static float[]? Values(Node maker, int rank, List<Node> chain)
    {
        Layer layer = Layer.From(maker, out _)!;
        long[] shape = [1, layer.OutputChannels, .. Enumerable.Repeat(1L, rank - 2)];
        Model source = maker.Graph.Model;
        Model model = Model.Create("constants", source.Opset, source.IrVersion);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, [.. shape.Select(size => (Dimension)size)]));
        Value last = chain.Where(node => !Pools.Contains(node.OpType)).Aggregate(x, (value, node) =>
        {
            Node copy = model.Graph.AddNode(node.OpType, [.. node.Inputs.Select(input => input is null ? null : input.Constant is { } constant ? model.Graph.AddInitializer("c", constant) : value)]);
            copy.CopyAttributesFrom(node);
            return copy.Output;
        });
        model.Graph.AddOutput(model.Graph.Add("Identity", last));
        try
        {
            using ModelSession session = ModelSession.Open(model);
            Tensor values = session.Run([Tensor.Create(shape, layer.Bias?.ToSingles() ?? new float[layer.OutputChannels])])[0];
            return values.ElementType == ElementType.Float && values.Length == layer.OutputChannels ? values.ToSingles() : null;
        }
        catch (InferenceException)
        {
            return null;
        }
    }

    private static int Move(Contraction contraction, Layer layer, HashSet<int> zeros, float[] values)
    {
        Node reader = contraction.Reader;
        bool hasBias = reader.OpType != "MatMul";
        HashSet<int> unread = [.. ZeroSlices(layer.Weight, contraction.Weight.Axis)];
        int[] moved = [.. zeros.Where(channel => !unread.Contains(channel) && float.IsFinite(values[channel]) && (values[channel] == 0 || (hasBias && !IsPadded(reader))))];
        if (moved.Length == 0)
        {
            return 0;
        }

        float[] weights = layer.Weight.ToSingles();
        float[] bias = layer.Bias?.ToSingles() ?? new float[layer.OutputChannels];
        int axis = contraction.Weight.Axis;
        int inner = (int)layer.Weight.Dimensions.Skip(2).Aggregate(1L, (product, size) => product * size);
        int columns = (int)layer.Weight.Dimensions[1];
        for (int i = 0; i < weights.Length; i++)
        {
            (int row, int column) = (i / inner / columns, i / inner % columns);
            (int input, int output) = axis == 0 ? (row, column) : (column, row);
            bias[output] += Array.IndexOf(moved, input) >= 0 ? weights[i] * values[input] : 0;
        }

        reader.SetInput(1, reader.Graph.AddInitializer("weight", TensorSlices.Zero(layer.Weight, axis, moved)));
        if (Array.Exists(moved, channel => values[channel] != 0))
        {
            reader.SetInput(2, reader.Graph.AddInitializer("bias", Tensor.Vector(bias)));
        }

        return moved.Length;
    }

    private static bool IsPadded(Node reader) =>
        reader.GetInts("pads")?.Any(pad => pad != 0) == true || reader.GetString("auto_pad") is "SAME_UPPER" or "SAME_LOWER";
}
