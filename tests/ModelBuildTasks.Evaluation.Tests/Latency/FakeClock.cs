namespace ModelBuildTasks.Evaluation.Tests.Latency;

/// <summary>A clock that moves only when work is said to be done.</summary>
internal sealed class FakeClock : TimeProvider
{
    private long ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    internal TimeSpan Elapsed => TimeSpan.FromTicks(ticks);

    public override long GetTimestamp() => ticks;

    internal void Work(double milliseconds) => ticks += (long)(milliseconds * TimeSpan.TicksPerMillisecond);
}
