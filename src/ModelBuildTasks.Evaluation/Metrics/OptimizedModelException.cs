namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>The optimized model can't stand in for the original on a sample that the original runs on: it fails, or gives outputs of other sizes.</summary>
/// <param name="message">A clause about the optimized model.</param>
/// <param name="inner">What running it came to.</param>
public sealed class OptimizedModelException(string message, Exception? inner = null) : Exception(message, inner);
