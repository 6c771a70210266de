using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// Standard operators that compute in float16, by the ONNX type constraints and the CUDA kernels of ONNX Runtime (OperatorKernels.md).
/// Left out although they exist: sums of squares and of logarithms, cumulative sums, and ranges, which overflow 65504 or lose
/// whole numbers above 2048; sorting and box operators, which compare close scores.
/// </summary>
internal static class Float16Operators
{
    /// <summary>A running sum of so many like numbers no longer grows in float16: with 11 binary digits, the next one is half of the last digit, and is rounded away.</summary>
    internal const long DeepestReduction = 2048;

    private const int ResizeScales = 2;

    /// <summary>The first operator set in which Clip takes float16 (OperatorKernels.md).</summary>
    private const long HalfClip = 12;

    private static readonly HashSet<string> Layers = new(StringComparer.Ordinal) { "Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN" };

    private static readonly HashSet<string> Others = new(StringComparer.Ordinal)
    {
        "Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip", "Concat", "ConstantOfShape", "DepthToSpace", "Div", "Dropout", "Elu", "Erf", "Exp", "Expand",
        "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Gelu", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity",
        "InstanceNormalization", "LayerNormalization", "LeakyRelu", "Log", "LogSoftmax", "Max", "MaxPool", "Min", "Mul", "Neg", "PRelu", "Pad", "Pow", "Reciprocal",
        "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Relu", "Reshape", "Resize", "Selu", "Shape", "Sigmoid", "Size", "Slice", "Softmax", "Softplus", "Softsign",
        "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "Transpose", "Unsqueeze", "Where",
    };

    /// <summary>Operators that hold weights: what float16 is worth a cast for.</summary>
    internal static bool IsLayer(Node node) => node.Domain.Length == 0 && Layers.Contains(node.OpType);

    internal static bool Supports(Node node) => (node.OpType != "Clip" || node.Graph.Model.Opset >= HalfClip)
        && (node.Domain.Length == 0 ? Layers.Contains(node.OpType) || Others.Contains(node.OpType) : node is { Domain: TargetProfile.ContributedDomain, OpType: "Gelu" or "FastGelu" or "MultiHeadAttention" });

    /// <summary>
    /// How many numbers a reduction adds up for one of its results; 0 for other operators, and where shapes do not tell. Layers and normalizations do not count: CUDA and TensorRT add their products in float32
    /// (cuBLAS, CUBLAS_COMPUTE_32F; LayerNormalization, stash_type).
    /// </summary>
    internal static long DepthOfReduction(Node node, RuleContext types)
    {
        if (node is not { Domain: "", OpType: "ReduceSum" or "ReduceMean" or "GlobalAveragePool" } || types.TypeOf(node.Inputs[0]!)?.Shape is not { } shape)
        {
            return 0;
        }

        const int Spatial = 2;
        long[] axes = node.OpType == "GlobalAveragePool" ? [.. Enumerable.Range(Spatial, Math.Max(0, shape.Count - Spatial)).Select(axis => (long)axis)]
            : StatedIntegers.Axes(node, shape.Count) ?? [.. Enumerable.Range(0, shape.Count).Select(axis => (long)axis)];
        return axes.Aggregate(1L, (product, axis) => product * (shape[(int)axis].Size ?? 0));
    }

    /// <summary>The scales of a Resize are float32 whatever it resizes, and the exponent of a Pow may be.</summary>
    internal static bool InputIsHalf(Node node, int input) => !(node.OpType == "Resize" && input >= 1 && input <= ResizeScales);

    /// <summary>Mean and deviation of a LayerNormalization are float32 (its stash_type); a Cast to another type makes that type.</summary>
    internal static bool OutputIsHalf(Node node, int output) => !(node.OpType == "LayerNormalization" && output > 0);

    /// <summary>Changes attributes that name float32.</summary>
    internal static void Retype(Node node)
    {
        if (node.OpType == "Cast" && node.GetInt("to", 0) == (long)ElementType.Float)
        {
            node.Set("to", (long)ElementType.Float16);
        }
        else if (node.OpType == "ConstantOfShape" && (node.GetTensor("value") is not { } value || value.ElementType == ElementType.Float))
        {
            node.Set("value", Tensor.Vector((Half)(node.GetTensor("value")?.ToSingles()[0] ?? 0)));
        }
    }
}
