namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>How latency is compared.</summary>
public sealed record LatencySettings
{
    /// <summary>Time for all of it, warm-up included.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Share of the intervals that hold the true value. Above the usual 0.95, because the interval is looked at several times before it ends.</summary>
    public double Confidence { get; init; } = 0.99;

    /// <summary>Measuring ends when half the ratio's interval is this small a share of the ratio.</summary>
    public double Precision { get; init; } = 0.01;

    /// <summary>Seed of the order within pairs, and of the resampling.</summary>
    public int Seed { get; init; }

    /// <summary>Bootstrap resamples.</summary>
    public int Resamples { get; init; } = 1000;

    /// <summary>How long to wait for another build that is measuring on this machine.</summary>
    public TimeSpan WaitForMachine { get; init; } = TimeSpan.FromMinutes(1);
}
