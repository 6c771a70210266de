using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training.Gradients;

namespace ModelBuildTasks.Optimization.Training.FakeQuantized;

/// <summary>
/// Integers that a model stores and dequantizes, and the float weight of which they are the rounded form: q = round(W/s) + z, within the codes of its bits. Trained is W/u, with a power of two u of each
/// channel's magnitude: folded normalizations leave channels of very different ones, and Adam moves every number by about the same step.
/// </summary>
internal sealed class StoredWeight
{
    /// <summary>What is nearer than this to the last code is rounded to it, and not cut.</summary>
    private const float AlmostHalf = 0.49f;

    private readonly Tensor codes;
    private readonly float[] zeroPoints;
    private readonly int axis;
    private readonly int inner;
    private readonly int channels;
    private readonly int lowest;
    private readonly int highest;

    private StoredWeight(Node dequantize, Tensor codes)
    {
        this.codes = codes;
        Name = dequantize.Input(0)!.Name;
        Reader = dequantize.Output.Name;
        zeroPoints = dequantize.Input(2)?.Constant is { } stored ? CodePath.NumbersOf(stored) : [0];
        axis = (int)dequantize.GetInt("axis", 1);
        axis = axis < 0 ? axis + codes.Dimensions.Count : axis;
        inner = (int)codes.Dimensions.Skip(axis + 1).Product();
        channels = (int)(dequantize.Input(1)!.Initializer?.Length ?? 1);
        (lowest, highest) = Range(codes, zeroPoints);
    }

    /// <summary>The initializer that holds the integers.</summary>
    internal string Name { get; }

    /// <summary>The output of the DequantizeLinear that reads them.</summary>
    private string Reader { get; }

    /// <summary>The initializer of what is trained: the float weight in the unit of its channel.</summary>
    internal string Parameter => Name + "_float";

    /// <summary>The initializer of the units.</summary>
    private string Units => Name + "_units";

    /// <summary>Sees a node as the DequantizeLinear of a stored weight that nothing else reads; null where it is none.</summary>
    internal static StoredWeight? Of(Node node) =>
        ScaleGroup.IsConversion(node) && node.OpType == "DequantizeLinear" && node.GetInt("block_size", 0) == 0
        && node.Input(0) is { Initializer: { ElementType: ElementType.Int8 or ElementType.UInt8 or ElementType.Int4 or ElementType.UInt4, Length: > 0 } codes, IsInput: false, IsOutput: false, Uses.Count: 1 }
        && node.Input(1)?.Constant is { ElementType: ElementType.Float } && (node.Input(2) is null || node.Input(2)!.Constant is not null)
            ? new StoredWeight(node, codes) : null;

    /// <summary>Puts what the integers mean, as a float weight behind a QuantizeLinear, in their place: so training starts from the rounding that was chosen or learned.</summary>
    /// <param name="graph">The graph, or a copy of it.</param>
    internal void Unfold(Graph graph)
    {
        Node dequantize = graph.Find(Reader)!.Producer!;
        Value scale = dequantize.Input(1)!;
        Value zeroPoint = dequantize.Input(2) ?? graph.AddInitializer(Name + "_zero", ZeroPoint(scale.Initializer!));
        float[] scales = scale.Initializer!.ToSingles();
        float[] numbers = Dequantized(scales);
        float[] units = Array.ConvertAll(Magnitudes(scales), PowerOfTwo);
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] /= Of(units, i);
        }

        Value parameter = graph.AddInitializer(Parameter, Tensor.Create([.. codes.Dimensions], numbers));
        parameter.Name = Parameter;
        Value unit = graph.AddInitializer(Units, Tensor.Create(AlongChannels(units.Length), units));
        unit.Name = Units;
        Value weight = graph.Add("Mul", parameter, unit);
        Node quantize = graph.AddNode("QuantizeLinear", [Within(graph, weight, scale), scale, zeroPoint], name: Name + "_quantize");
        if (scale.Initializer.Length > 1)
        {
            quantize.Set("axis", axis);
        }

        dequantize.SetInput(0, quantize.Output);
    }

    /// <summary>The root mean square of each channel's weights, or of all where they have one scale.</summary>
    internal double[] Magnitudes(float[] scales)
    {
        double[] magnitudes = new double[channels];
        float[] numbers = Dequantized(scales);
        for (int i = 0; i < numbers.Length; i++)
        {
            magnitudes[i / inner % channels] += (double)numbers[i] * numbers[i] * channels / numbers.Length;
        }

        return Array.ConvertAll(magnitudes, Math.Sqrt);
    }

    /// <summary>Weights of one output of so many.</summary>
    internal double InputsOf(int outputs) => (double)codes.Length / outputs;

    /// <summary>The float weight that a trained form has.</summary>
    internal float[] FloatIn(Graph trained)
    {
        float[] weight = trained.Find(Parameter)!.Initializer!.ToSingles(), units = trained.Find(Units)!.Initializer!.ToSingles();
        for (int i = 0; i < weight.Length; i++)
        {
            weight[i] *= Of(units, i);
        }

        return weight;
    }

    /// <summary>Stores the integers of what was trained. The scales must be stored before.</summary>
    internal void Store(Graph graph, Graph trained) =>
        graph.Find(Name)!.Initializer = Round(FloatIn(trained), graph.Find(Reader)!.Producer!.Input(1)!.Initializer!.Span<float>());

    /// <summary>The power of two next to a magnitude, by which a number can be divided without rounding; 1 for none.</summary>
    internal static float PowerOfTwo(double magnitude) => magnitude > 0 && double.IsFinite(magnitude) ? (float)Math.Pow(2, Math.Clamp(Math.Round(Math.Log2(magnitude)), -60, 60)) : 1;

    /// <summary>The integers of a float weight, as QuantizeLinear makes them.</summary>
    private Tensor Round(ReadOnlySpan<float> weight, ReadOnlySpan<float> scales)
    {
        byte[] stored = new byte[codes.Data.Length];
        bool isPacked = codes.ElementType is ElementType.Int4 or ElementType.UInt4;
        for (int i = 0; i < weight.Length; i++)
        {
            float code = MathF.Round(weight[i] / Of(scales, i), MidpointRounding.ToEven) + Of(zeroPoints, i);
            int kept = (int)Math.Clamp(code, lowest, highest);
            if (isPacked)
            {
                stored[i / 2] |= (byte)((kept & 0xF) << (i % 2 * 4));
            }
            else
            {
                stored[i] = unchecked((byte)kept);
            }
        }

        return Tensor.FromBytes(codes.ElementType, [.. codes.Dimensions], stored);
    }

    private float[] Dequantized(float[] scales)
    {
        float[] numbers = CodePath.NumbersOf(codes);
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = (numbers[i] - Of(zeroPoints, i)) * Of(scales, i);
        }

        return numbers;
    }

    /// <summary>Cuts what the type has codes for but the weight's bits have not. What rounds to the last code is left as it is, so that its gradient stays whole.</summary>
    private Value Within(Graph graph, Value weight, Value scale)
    {
        (int typeLowest, int typeHighest) = CodePath.RangeOf(codes.ElementType)!.Value;
        Value result = weight;
        if (lowest > typeLowest)
        {
            result = graph.Add("Max", result, Bound(graph, scale, lowest - AlmostHalf));
        }

        return highest < typeHighest ? graph.Add("Min", result, Bound(graph, scale, highest + AlmostHalf)) : result;
    }

    private Value Bound(Graph graph, Value scale, float steps)
    {
        Value bound = graph.Add("Mul", scale, graph.AddInitializer(Name + "_bound", Tensor.Scalar(steps)));
        return graph.Add("Reshape", bound, graph.AddInitializer(Name + "_along", Tensor.Vector(AlongChannels(scale.Initializer!.Length))));
    }

    private long[] AlongChannels(long count) => [.. codes.Dimensions.Select((_, i) => count > 1 && i == axis ? count : 1)];

    private Tensor ZeroPoint(Tensor scale) => Tensor.FromBytes(codes.ElementType, [.. scale.Dimensions], new byte[codes.ElementType.ByteLength(scale.Length)]);

    /// <summary>The number that counts for an element: the only one, or that of its channel.</summary>
    private float Of(ReadOnlySpan<float> numbers, int element) => numbers[numbers.Length == 1 ? 0 : element / inner % numbers.Length];

    /// <summary>
    /// The codes that the weight may have. Those with the zero point 0 reach as far to one side as to the other, ±127, ±64 (7 bits, which cannot saturate) or ±7 (4 bits), where
    /// the stored ones do.
    /// </summary>
    private static (int Lowest, int Highest) Range(Tensor codes, float[] zeroPoints)
    {
        (int lowest, int highest) = CodePath.RangeOf(codes.ElementType)!.Value;
        float[] numbers = CodePath.NumbersOf(codes);
        if (lowest == 0 || Array.Exists(zeroPoints, zero => zero != 0))
        {
            return (lowest, highest);
        }

        float reach = Math.Max(numbers.Max(), -numbers.Min());
        int symmetric = reach <= 7 ? 7 : reach <= 64 ? 64 : reach <= 127 ? 127 : -lowest;
        return (-symmetric, Math.Min(symmetric, highest));
    }
}
