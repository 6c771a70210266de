using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>Which constants of a model are weights: float initializers, running statistics aside.</summary>
public static class TrainableWeights
{
    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Of(Model model) =>
        [.. model.Graph.Initializers.Where(value => value.Initializer!.ElementType == ElementType.Float && !value.Uses.Any(use => use.Node.OpType == "BatchNormalization" && use.Index > 2)).Select(value => value.Name)];
}
