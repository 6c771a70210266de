using ModelBuildTasks.Optimization.Training.Gradients;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>The operators that have a gradient.</summary>
public static class GradientRules
{
    private static readonly Dictionary<string, IGradientRule> Rules = new IGradientRule[]
    {
        new AddGradient(),
        new BatchNormalizationGradient(),
        new ConvGradient(),
        new GemmGradient(),
        new GlobalAveragePoolGradient(),
        new MatMulGradient(),
        new MulGradient(),
        new ReluGradient(),
        new ReshapeGradient("Flatten"),
        new ReshapeGradient("Reshape"),
        new SoftmaxCrossEntropyLossGradient(),
    }.ToDictionary(rule => rule.OpType, StringComparer.Ordinal);

    /// <summary>Names of the operators, sorted.</summary>
    public static IReadOnlyList<string> Operators { get; } = [.. Rules.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The rule of a standard operator; null when it has none.</summary>
    public static IGradientRule? Find(string opType) => Rules.GetValueOrDefault(opType);
}
