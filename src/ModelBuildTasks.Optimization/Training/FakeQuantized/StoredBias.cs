using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Training.FakeQuantized;

/// <summary>An int32 bias in the unit of the accumulator, scale = input scale · weight scale, and the float bias that it stands for.</summary>
internal sealed class StoredBias
{
    private readonly Tensor codes;
    private readonly string name;
    private readonly string scale;
    private readonly string reader;
    private readonly StoredWeight? weight;

    private StoredBias(Node dequantize, Node layer, Tensor codes)
    {
        this.codes = codes;
        reader = dequantize.Output.Name;
        name = dequantize.Input(0)!.Name;
        scale = dequantize.Input(1)!.Name;
        InputScale = layer.Input(0)!.Producer!.Input(1)!.Name;
        WeightScale = layer.Input(1)!.Producer!.Input(1)!.Name;
        weight = StoredWeight.Of(layer.Input(1)!.Producer!);
    }

    /// <summary>The scale of what the layer reads.</summary>
    internal string InputScale { get; }

    /// <summary>The scales of the layer's weights.</summary>
    internal string WeightScale { get; }

    /// <summary>The initializer of what is trained: the float bias in the unit of its channel.</summary>
    internal string Parameter => name + "_float";

    /// <summary>The initializer of the units.</summary>
    private string Units => name + "_units";

    /// <summary>Sees a node as the DequantizeLinear of the bias of one layer of integers; null where it is none.</summary>
    internal static StoredBias? Of(Node node) =>
        ScaleGroup.IsBias(node)
        && node.Input(0) is { Initializer: { } codes, IsInput: false, IsOutput: false, Uses.Count: 1 }
        && node.Input(1) is { Initializer.ElementType: ElementType.Float, IsInput: false, IsOutput: false, Uses.Count: 1 }
        && node.Output is { IsOutput: false, Uses: [{ Index: 2, Node: { OpType: "Conv" or "Gemm", Domain: "" } layer }] } && layer.Graph == node.Graph
        && IsDequantized(layer.Input(0)) && IsDequantized(layer.Input(1))
            ? new StoredBias(node, layer, codes) : null;

    /// <summary>Puts the float bias in the place of the integers.</summary>
    internal void Unfold(Graph graph)
    {
        Value dequantized = graph.Find(reader)!;
        float[] scales = graph.Find(scale)!.Initializer!.ToSingles();
        int[] stored = codes.Span<int>().ToArray();
        float[] numbers = new float[stored.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = stored[i] * scales[scales.Length == 1 ? 0 : i];
        }

        float[] units = UnitsIn(graph, numbers.Length);
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] /= units[i];
        }

        Value parameter = graph.AddInitializer(Parameter, Tensor.Create([.. codes.Dimensions], numbers));
        parameter.Name = Parameter;
        Value unit = graph.AddInitializer(Units, Tensor.Create([.. codes.Dimensions], units));
        unit.Name = Units;
        dequantized.ReplaceWith(graph.Add("Mul", parameter, unit));
    }

    /// <summary>The float bias that a trained form has.</summary>
    internal Tensor FloatIn(Graph trained)
    {
        float[] bias = trained.Find(Parameter)!.Initializer!.ToSingles(), units = trained.Find(Units)!.Initializer!.ToSingles();
        TensorPrimitives.Multiply(bias, units, bias);
        return Tensor.Create([.. codes.Dimensions], bias);
    }

    /// <summary>What the weights of each channel usually add up to, as a power of two.</summary>
    private float[] UnitsIn(Graph graph, int length)
    {
        const double UsualCode = 32;
        double[] magnitudes = weight?.Magnitudes(graph.Find(WeightScale)!.Initializer!.ToSingles()) ?? [1];
        double read = UsualCode * graph.Find(InputScale)!.Initializer!.Span<float>()[0] * Math.Sqrt(weight?.InputsOf(length) ?? 1);
        return [.. Enumerable.Range(0, length).Select(i => StoredWeight.PowerOfTwo(read * magnitudes[magnitudes.Length == length ? i : 0]))];
    }

    /// <summary>Stores the integers of a float bias, and their scales. Those of the layer must be stored before.</summary>
    internal void Store(Graph graph, Tensor bias)
    {
        float[] weightScales = graph.Find(WeightScale)!.Initializer!.ToSingles();
        float[] scales = weightScales.Length == 1 ? [.. Enumerable.Repeat(weightScales[0], (int)bias.Length)] : weightScales;
        QuantizedBias quantized = QuantizedBias.From(bias, graph.Find(InputScale)!.Initializer!.Span<float>()[0], scales);
        Value stored = graph.Find(scale)!;
        stored.Initializer = Tensor.Create([.. stored.Initializer!.Dimensions], stored.Initializer.Length == 1 ? [quantized.Scales[0]] : quantized.Scales);
        graph.Find(name)!.Initializer = quantized.Codes.WithDimensions([.. codes.Dimensions]);
    }

    private static bool IsDequantized(Value? value) => value?.Producer is { OpType: "DequantizeLinear", Domain: "" } producer && producer.Input(1)?.Initializer?.ElementType == ElementType.Float;
}
