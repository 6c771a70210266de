using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Structured.Coupling;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>The rule of each operator by which channels pass through it. What has none keeps the channels of all that it reads.</summary>
internal static class ChannelRules
{
    private static readonly HashSet<string> Pointwise = new(StringComparer.Ordinal)
    {
        "Abs", "Cast", "Ceil", "Celu", "Clip", "Cos", "Dropout", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "Mish",
        "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu",
    };

    private static readonly HashSet<string> SeveralOutputs = new(StringComparer.Ordinal) { "Split", "LSTM", "GRU", "RNN" };

    private static readonly Dictionary<string, Action<NodeChannels>> Rules = new(StringComparer.Ordinal)
    {
        ["Conv"] = Convolutions.Conv,
        ["ConvTranspose"] = Convolutions.ConvTranspose,
        ["Gemm"] = Products.Gemm,
        ["MatMul"] = Products.MatMul,
        ["LSTM"] = Recurrences.Lstm,
        ["GRU"] = Recurrences.Gru,
        ["RNN"] = Recurrences.Rnn,
        ["Gather"] = Selections.Gather,
        ["Slice"] = Selections.Slice,
        ["Split"] = Selections.Split,
        ["Concat"] = Joints.Concat,
        ["Pad"] = Joints.Pad,
        ["Add"] = Broadcasts.Elementwise,
        ["Sub"] = Broadcasts.Elementwise,
        ["Mul"] = Broadcasts.Elementwise,
        ["Div"] = Broadcasts.Elementwise,
        ["Pow"] = Broadcasts.Elementwise,
        ["Max"] = Broadcasts.Elementwise,
        ["Min"] = Broadcasts.Elementwise,
        ["Sum"] = Broadcasts.Elementwise,
        ["Mean"] = Broadcasts.Elementwise,
        ["Where"] = Broadcasts.Elementwise,
        ["PRelu"] = Broadcasts.Elementwise,
        ["BatchNormalization"] = Planes.Normalization,
        ["InstanceNormalization"] = Planes.Normalization,
        ["MaxPool"] = Planes.Pooling,
        ["AveragePool"] = Planes.Pooling,
        ["LpPool"] = Planes.Pooling,
        ["GlobalMaxPool"] = Planes.Pooling,
        ["GlobalAveragePool"] = Planes.Pooling,
        ["GlobalLpPool"] = Planes.Pooling,
        ["Resize"] = Planes.Resize,
        ["Upsample"] = Planes.Resize,
        ["DepthToSpace"] = Planes.DepthToSpace,
        ["Softmax"] = AxisOperators.Softmax,
        ["LogSoftmax"] = AxisOperators.Softmax,
        ["LayerNormalization"] = AxisOperators.LayerNormalization,
        ["ReduceMean"] = AxisOperators.Reduction,
        ["ReduceSum"] = AxisOperators.Reduction,
        ["ReduceMax"] = AxisOperators.Reduction,
        ["ReduceMin"] = AxisOperators.Reduction,
        ["ReduceL1"] = AxisOperators.Reduction,
        ["ReduceL2"] = AxisOperators.Reduction,
        ["ReduceProd"] = AxisOperators.Reduction,
        ["ReduceSumSquare"] = AxisOperators.Reduction,
        ["Reshape"] = Reshapes.Reshape,
        ["Flatten"] = Reshapes.Flatten,
        ["Transpose"] = Reshapes.Transpose,
        ["Squeeze"] = Reshapes.Squeeze,
        ["Unsqueeze"] = Reshapes.Unsqueeze,
        ["Shape"] = Shapes.Shape,
    };

    /// <summary>Whether an operator computes each element from one of its first input alone.</summary>
    internal static bool IsPointwise(Node node) => node.Domain.Length == 0 && Pointwise.Contains(node.OpType);

    internal static Action<NodeChannels>? Find(Node node)
    {
        if (node.Outputs.Skip(1).Any(output => output.Uses.Count > 0 || output.IsOutput) && !(node.Domain.Length == 0 && SeveralOutputs.Contains(node.OpType)))
        {
            // Indices and masks: what reads them would not know of the channels.
            return null;
        }

        return node.Domain switch
        {
            "" when IsPointwise(node) => Broadcasts.Pointwise,
            "" => Rules.GetValueOrDefault(node.OpType),
            TargetProfile.ContributedDomain when node.OpType == "MultiHeadAttention" => AttentionHeads.MultiHeadAttention,
            TargetProfile.ContributedDomain when node.OpType is "Gelu" or "QuickGelu" => Broadcasts.Pointwise,
            _ => null,
        };
    }
}
