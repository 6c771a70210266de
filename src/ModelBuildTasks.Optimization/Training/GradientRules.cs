using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training.Gradients;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>The operators that have a gradient.</summary>
internal static class GradientRules
{
    private static readonly Dictionary<string, IGradientRule> Rules = new IGradientRule[]
    {
        new AddGradient("Add"),
        new AddGradient("Sum"),
        new AveragePoolGradient(),
        new BatchNormalizationGradient(),
        new CastGradient(),
        new ClipGradient(),
        new ConcatGradient(),
        new ConvGradient(),
        new ConvTransposeGradient(),
        new CumSumGradient(),
        new DepthToSpaceGradient(),
        new DequantizeLinearGradient(),
        new DivGradient(),
        new DropoutGradient(),
        new EinsumGradient(),
        new ExpandGradient(),
        new ExtremumGradient("Max"),
        new ExtremumGradient("Min"),
        new GatherElementsGradient(),
        new GatherGradient(),
        new GemmGradient(),
        new GlobalAveragePoolGradient(),
        new GroupNormalizationGradient(),
        new InstanceNormalizationGradient(),
        new LayerNormalizationGradient("LayerNormalization", isCentred: true),
        new LayerNormalizationGradient("RMSNormalization", isCentred: false),
        new LogSoftmaxGradient(),
        new LpNormalizationGradient(),
        new LpPoolGradient("GlobalLpPool"),
        new LpPoolGradient("LpPool"),
        new LrnGradient(),
        new MatMulGradient(),
        new MaxPoolGradient(),
        new MeanGradient(),
        new MulGradient(),
        new PadGradient(),
        new PowGradient(),
        new PReluGradient(),
        new QuantizeLinearGradient(),
        new RecurrentGradient("GRU"),
        new RecurrentGradient("LSTM"),
        new RecurrentGradient("RNN"),
        new ReluGradient(),
        new ReshapeGradient("Flatten"),
        new ReshapeGradient("Identity"),
        new ReshapeGradient("Reshape"),
        new ReshapeGradient("Squeeze"),
        new ReshapeGradient("Unsqueeze"),
        new ResizeGradient(),
        new ScatterGradient("ScatterElements", gather: "GatherElements"),
        new ScatterGradient("ScatterND", gather: "GatherND"),
        new SelectionGradient("GatherND"),
        new SelfAdjointGradient("ReverseSequence"),
        new SelfAdjointGradient("Trilu"),
        new SliceGradient(),
        new SoftmaxCrossEntropyLossGradient(),
        new SoftmaxGradient(),
        new SpaceToDepthGradient(),
        new SplitGradient(),
        new SubGradient(),
        new TileGradient(),
        new TopKGradient(),
        new TransposeGradient(),
        new WhereGradient(),
    }.Concat(NoGradient.Rules).Concat(ReductionGradient.Rules).Concat(UnaryDerivatives.Rules).ToDictionary(rule => rule.OpType, StringComparer.Ordinal);

    /// <summary>Names of the operators, sorted.</summary>
    public static IReadOnlyList<string> Operators { get; } = [.. Rules.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The rule of the node's operator; null when it has none.</summary>
    public static IGradientRule? Find(Node node) => node.Domain.Length == 0 ? Rules.GetValueOrDefault(node.OpType) : null;
}
