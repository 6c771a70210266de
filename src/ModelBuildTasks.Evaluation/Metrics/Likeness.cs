using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>How alike two outputs are, as the metric <see cref="MetricKind.Cosine"/> sees it.</summary>
public static class Likeness
{
    /// <summary>From -1 to 1, 1 for the same up to a factor; 0 for another number of elements.</summary>
    public static double Of(Tensor found, Tensor expected) => Cosine.OfOutput(found, expected).Similarity;
}
