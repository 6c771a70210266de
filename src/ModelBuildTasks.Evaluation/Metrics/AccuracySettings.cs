namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>How accuracy is compared.</summary>
/// <param name="Threads">Samples that run at once; the result does not depend on it.</param>
/// <param name="Resamples">Bootstrap resamples.</param>
/// <param name="Confidence">Share of the intervals that hold the true value.</param>
/// <param name="Seed">Seed of the resampling.</param>
public sealed record AccuracySettings(int Threads, int Resamples = 1000, double Confidence = 0.95, int Seed = 0)
{
    /// <summary>One sample at a time on each core.</summary>
    public AccuracySettings() : this(Environment.ProcessorCount)
    {
    }
}
