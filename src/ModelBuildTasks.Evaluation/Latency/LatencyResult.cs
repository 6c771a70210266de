using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>What a run of each model takes, and how the two compare.</summary>
/// <param name="OriginalMilliseconds">Median of one run of the original.</param>
/// <param name="OptimizedMilliseconds">Median of one run of the optimized model.</param>
/// <param name="Ratio">Median over pairs of optimized to original time; below 1 is faster.</param>
/// <param name="Pairs">Pairs measured.</param>
/// <param name="Threads">Threads inside an operator.</param>
/// <param name="Processor">The processor's own name.</param>
/// <param name="Settled">Whether the interval became as narrow as asked within the time limit.</param>
public sealed record LatencyResult(
    Estimate OriginalMilliseconds, Estimate OptimizedMilliseconds, Estimate Ratio, int Pairs, int Threads, string Processor, bool Settled);
