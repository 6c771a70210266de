using ModelBuildTasks.Evaluation.Latency;

namespace ModelBuildTasks.Evaluation.Tests.Latency;

/// <summary>On a clock that only work moves, so that no timing decides.</summary>
[TestClass]
public sealed class SoloTimingTests
{
    private static readonly LatencySettings Settings = new() { TimeLimit = TimeSpan.FromSeconds(1) };
    private readonly FakeClock clock = new();

    [TestMethod]
    public void The_median_of_what_always_takes_the_same_is_that_and_settles_early()
    {
        SoloTiming timing = Run(() => clock.Work(2));

        Assert.AreEqual((2, 2, 2), (timing.Milliseconds.Value, timing.Milliseconds.Low, timing.Milliseconds.High));
        Assert.IsLessThan(20, timing.Runs);
    }

    [TestMethod]
    public void The_first_runs_do_not_count()
    {
        int runs = 0;

        Assert.AreEqual(2, Run(() => clock.Work(runs++ < 5 ? 100 : 2)).Milliseconds.High);
    }

    [TestMethod]
    public void What_does_not_settle_ends_with_the_time_limit()
    {
        Random random = new(1);

        SoloTiming timing = Run(() => clock.Work(random.NextDouble() * 20));

        Assert.IsLessThan(1.1, clock.Elapsed.TotalSeconds);
        Assert.IsLessThan(timing.Milliseconds.High, timing.Milliseconds.Low);
    }

    [TestMethod]
    public void What_takes_longer_than_the_limit_is_run_a_few_times_all_the_same() =>
        Assert.AreEqual(3, Run(() => clock.Work(3000)).Runs);

    [TestMethod]
    public void Processor_time_is_told_by_elapsed_time()
    {
        TimeSpan busy = TimeSpan.Zero;

        SoloTiming timing = SoloTiming.Run(() =>
        {
            clock.Work(10);
            busy += TimeSpan.FromMilliseconds(15);
        }, Settings, clock, () => busy);

        Assert.AreEqual(1.5, timing.ProcessorTime, 1e-9);
    }

    private SoloTiming Run(Action action) => SoloTiming.Run(action, Settings, clock, () => TimeSpan.Zero);
}
