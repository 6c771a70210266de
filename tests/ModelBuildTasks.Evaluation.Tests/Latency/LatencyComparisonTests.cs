using ModelBuildTasks.Evaluation.Latency;

namespace ModelBuildTasks.Evaluation.Tests.Latency;

[TestClass]
public sealed class LatencyComparisonTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [TestMethod]
    public void Finds_the_ratio_of_two_steady_models()
    {
        ManualClock clock = new();

        LatencyRatio ratio = LatencyComparison.Run(_ => clock.Pass(10), _ => clock.Pass(4), inputs: 1, Limit, clock);

        Assert.AreEqual(0.4, ratio.Ratio, 1e-9);
    }

    [TestMethod]
    public void Stops_early_when_the_interval_is_narrow()
    {
        ManualClock clock = new();

        LatencyComparison.Run(_ => clock.Pass(10), _ => clock.Pass(4), inputs: 1, Limit, clock);

        Assert.IsLessThan(1000, clock.Now);
    }

    [TestMethod]
    public void Goes_on_until_the_limit_when_times_are_noisy()
    {
        ManualClock clock = new();
        Random random = new(1);

        LatencyComparison.Run(_ => clock.Pass(random.Next(1, 100)), _ => clock.Pass(random.Next(1, 100)), inputs: 1, Limit, clock);

        Assert.IsInRange(5000, 6000, clock.Now);
    }

    [TestMethod]
    public void Slow_first_runs_do_not_count()
    {
        ManualClock clock = new();
        int runs = 0;

        LatencyRatio ratio = LatencyComparison.Run(_ => clock.Pass(10), _ => clock.Pass(runs++ < 3 ? 500 - (runs * 100) : 5), inputs: 1, Limit, clock);

        Assert.AreEqual(0.5, ratio.Ratio, 1e-9);
    }

    [TestMethod]
    public void A_slow_spell_of_the_machine_does_not_move_the_ratio()
    {
        ManualClock clock = new();

        LatencyRatio ratio = LatencyComparison.Run(_ => clock.Pass(Slowness() * 10), _ => clock.Pass(Slowness() * 5), inputs: 1, Limit, clock);

        Assert.AreEqual(0.5, ratio.Ratio, 0.02);

        double Slowness() => clock.Now % 1000 < 300 ? 3 : 1;
    }

    [TestMethod]
    public void Every_input_is_run_by_both_models()
    {
        ManualClock clock = new();
        HashSet<int> original = [];
        HashSet<int> optimized = [];

        LatencyComparison.Run(Run(original), Run(optimized), inputs: 3, Limit, clock);

        Assert.HasCount(3, original);
        Assert.HasCount(3, optimized);

        Action<int> Run(HashSet<int> seen) => input =>
        {
            seen.Add(input);
            clock.Pass(1);
        };
    }

    [TestMethod]
    public void Cancellation_ends_it()
    {
        ManualClock clock = new();
        using CancellationTokenSource cancellation = new();
        cancellation.Cancel();

        Assert.ThrowsExactly<OperationCanceledException>(
            () => LatencyComparison.Run(_ => clock.Pass(1), _ => clock.Pass(1), 1, Limit, clock, progress: null, cancellation.Token));
    }

    /// <summary>Time that passes only when a model runs.</summary>
    private sealed class ManualClock : TimeProvider
    {
        public double Now { get; private set; }

        public override long TimestampFrequency => 1_000_000;

        public void Pass(double milliseconds) => Now += milliseconds;

        public override long GetTimestamp() => (long)(Now * 1000);
    }
}
