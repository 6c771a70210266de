using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// y = x·scale[c] + shift[c] with one constant scale and shift a channel: what BatchNormalization in inference, and Mul, Div,
/// Add and Sub with a per-channel constant compute.
/// </summary>
/// <param name="Input">x.</param>
/// <param name="Scale">One factor a channel.</param>
/// <param name="Shift">One summand a channel.</param>
internal sealed record ChannelAffine(Value Input, double[] Scale, double[] Shift)
{
    private const float DefaultEpsilon = 1e-5f;

    /// <summary>The first operator set that asks for training by an attribute; before, further outputs do, whether they are read or not (ONNX Changelog.md, BatchNormalization-9 and -14).</summary>
    private const long TrainingModeSince = 14;

    internal bool HasShift { get; } = Shift.Any(value => value != 0);

    internal static bool IsNormalization(Node node) => node is { OpType: "BatchNormalization", Domain: "" };

    internal static bool IsArithmetic(Node node) => node is { OpType: "Mul" or "Div" or "Add" or "Sub", Domain: "" };

    /// <summary>scale = γ/√(σ²+ε), shift = β − μ·scale. Null with a reason when the node normalizes by the batch, or a parameter is computed.</summary>
    internal static ChannelAffine? FromNormalization(Node node, out string? reason)
    {
        bool ofBatch = node.GetInt("training_mode", 0) != 0 || node.GetInt("spatial", 1) == 0
            || node.Outputs.Skip(1).Any(output => node.Graph.Model.Opset < TrainingModeSince ? output.Name.Length > 0 : output.Uses.Count > 0 || output.IsOutput);
        if (ofBatch)
        {
            reason = "it is in training mode";
            return null;
        }

        double[]?[] parameters = [.. Enumerable.Range(1, 4).Select(i => Doubles(node.Input(i)?.Constant))];
        int missing = Array.IndexOf(parameters, null);
        if (missing >= 0)
        {
            reason = $"'{node.Input(missing + 1)?.Name}' is not constant";
            return null;
        }

        (double[] gamma, double[] beta, double[] mean, double[] variance) = (parameters[0]!, parameters[1]!, parameters[2]!, parameters[3]!);
        if (new[] { beta, mean, variance }.Any(parameter => parameter.Length != gamma.Length))
        {
            reason = "its parameters are not of one length";
            return null;
        }

        double epsilon = node.GetFloat("epsilon", DefaultEpsilon);
        double[] scale = new double[gamma.Length];
        double[] shift = new double[gamma.Length];
        for (int c = 0; c < scale.Length; c++)
        {
            scale[c] = gamma[c] / Math.Sqrt(variance[c] + epsilon);
            shift[c] = beta[c] - mean[c] * scale[c];
        }

        reason = scale.Concat(shift).All(double.IsFinite) ? null : "its parameters are not finite";
        return reason is null ? new ChannelAffine(node.Input(0)!, scale, shift) : null;
    }

    /// <summary>
    /// Reads arithmetic whose constant broadcasts along every axis but <paramref name="channelAxis"/> of an input of
    /// <paramref name="rank"/> dimensions. Null when the constant varies along another axis, or would widen the input.
    /// </summary>
    internal static ChannelAffine? FromArithmetic(Node node, int rank, int channelAxis, int channels)
    {
        bool constantFirst = node.Input(0)?.Constant is not null;
        if (node.Input(constantFirst ? 0 : 1)?.Constant is not { } constant || node.Input(constantFirst ? 1 : 0) is not { Constant: null } input
            || constant.Dimensions.Count > rank || Doubles(constant) is not { } values)
        {
            return null;
        }

        int offset = rank - constant.Dimensions.Count;
        for (int i = 0; i < constant.Dimensions.Count; i++)
        {
            if (constant.Dimensions[i] != 1 && (i + offset != channelAxis || constant.Dimensions[i] != channels))
            {
                return null;
            }
        }

        double[] perChannel = values.Length == channels ? values : [.. Enumerable.Repeat(values[0], channels)];
        double[] ones = [.. Enumerable.Repeat(1.0, channels)];
        double[] zeros = new double[channels];
        return (node.OpType, constantFirst) switch
        {
            ("Mul", _) => new ChannelAffine(input, perChannel, zeros),
            ("Add", _) => new ChannelAffine(input, ones, perChannel),
            ("Sub", false) => new ChannelAffine(input, ones, Array.ConvertAll(perChannel, v => -v)),
            ("Sub", true) => new ChannelAffine(input, Array.ConvertAll(ones, v => -v), perChannel),
            ("Div", false) when perChannel.All(v => v != 0) => new ChannelAffine(input, Array.ConvertAll(perChannel, v => 1 / v), zeros),
            _ => null,
        };
    }

    /// <summary>Whether <see cref="Doubles"/> would give elements; asked first, since a weight may be large and a rule not apply.</summary>
    internal static bool HasDoubles(Tensor tensor) => tensor.ElementType is ElementType.Double or ElementType.Float or ElementType.Float16;

    /// <summary>The elements of a floating point tensor; null for other types.</summary>
    internal static double[]? Doubles(Tensor? tensor) => tensor?.ElementType switch
    {
        ElementType.Double => tensor.Span<double>().ToArray(),
        ElementType.Float or ElementType.Float16 => Array.ConvertAll(tensor.ToSingles(), v => (double)v),
        _ => null,
    };
}
