namespace ModelBuildTasks.Contracts;

/// <summary>What the numbers of a metric are.</summary>
public static class MetricScale
{
    /// <summary>
    /// Whether a score is a share of samples, or of pairs of them as the area under the ROC curve is (Hanley and McNeil, 1982): a hundredth of it is a point, and how finely it can be told depends on their number.
    /// </summary>
    public static bool IsShare(this Metric metric) =>
        metric is Metric.Top1 or Metric.Top5 or Metric.F1 or Metric.Precision or Metric.Recall or Metric.AreaUnderRoc or Metric.Agreement;
}
