using ModelBuildTasks.Evaluation.Latency;

namespace ModelBuildTasks.Evaluation.Tests.Latency;

[TestClass]
public sealed class LatencyComparisonTests
{
    [TestMethod]
    public void Steady_models_settle_at_once_on_the_true_ratio()
    {
        FakeClock clock = new();

        LatencyResult result = Measure(clock, () => 4, () => 1);

        Assert.AreEqual(0.25, result.Ratio.Value, 1e-9);
        Assert.AreEqual(4, result.OriginalMilliseconds.Value, 1e-9);
        Assert.AreEqual(1, result.OptimizedMilliseconds.Value, 1e-9);
        Assert.IsTrue(result.Settled);
        Assert.IsLessThan(1, clock.Elapsed.TotalSeconds);
    }

    [TestMethod]
    public void Disturbance_that_meets_both_alike_cancels()
    {
        FakeClock clock = new();
        // The machine becomes three times slower for half of the time, in phases of 200 ms.
        double Slowdown() => (long)(clock.Elapsed.TotalMilliseconds / 200) % 2 == 0 ? 1 : 3;

        LatencyResult result = Measure(clock, () => 2 * Slowdown(), () => Slowdown());

        Assert.AreEqual(0.5, result.Ratio.Value, 0.01);
        Assert.IsTrue(result.Ratio.Low > 0.48 && result.Ratio.High < 0.52, result.Ratio.ToString());
    }

    [TestMethod]
    public void Noise_is_reported_and_ends_at_the_time_limit()
    {
        FakeClock clock = new();
        Random random = new(5);

        LatencyResult result = Measure(clock, () => 20 * (1 + random.NextDouble()), () => 20 * (1 + random.NextDouble()));

        Assert.IsFalse(result.Settled);
        Assert.IsTrue(result.Ratio.Low < 1 && result.Ratio.High > 1, result.Ratio.ToString());
        Assert.IsLessThan(5.2, clock.Elapsed.TotalSeconds);
    }

    [TestMethod]
    public void Cancellation_ends_the_measuring()
    {
        using CancellationTokenSource cancellation = new();
        cancellation.Cancel();

        Assert.ThrowsExactly<OperationCanceledException>(
            () => LatencyComparison.Measure(() => { }, () => { }, "a processor", 1, new LatencySettings(), TimeProvider.System, cancellation.Token));
    }

    [TestMethod]
    public void Slow_first_runs_are_warm_up()
    {
        FakeClock clock = new();
        int runs = 0;

        LatencyResult result = Measure(clock, () => runs++ < 12 ? 100 - 8 * runs : 2, () => 2);

        Assert.AreEqual(1, result.Ratio.Value, 0.01);
    }

    [TestMethod]
    public void Runs_too_short_for_the_clock_are_timed_together()
    {
        FakeClock clock = new();
        int runs = 0;

        LatencyResult result = Measure(clock, () => 0.001, () =>
        {
            runs++;
            return 0.002;
        });

        Assert.AreEqual(2, result.Ratio.Value, 1e-9);
        Assert.IsGreaterThan(200 * result.Pairs, runs);
    }

    [TestMethod]
    public void A_process_that_takes_turns_on_the_core_does_not_make_the_slower_model_look_worse()
    {
        FakeClock clock = new();
        // Half of the time is another's, in slices of 3 ms: a run goes on in the next slice of its own.
        double Shared(double work)
        {
            double now = clock.Elapsed.TotalMilliseconds;
            double end = now;
            for (double left = work; left > 0;)
            {
                double own = Math.Max(0, 3 - end % 6);
                double done = Math.Min(left, own);
                left -= done;
                end += left > 0 ? own + Math.Min(3, 6 - (end + own) % 6) : done;
            }

            return end - now;
        }

        LatencyResult result = Measure(clock, () => Shared(4.1), () => Shared(1.64));

        Assert.AreEqual(0.4, result.Ratio.Value, 0.02);
        Assert.IsTrue(result.Ratio.Low <= 0.4 && 0.4 <= result.Ratio.High, result.Ratio.ToString());
    }

    [TestMethod]
    public void Models_slower_than_the_time_limit_are_still_compared()
    {
        FakeClock clock = new();

        LatencyResult result = Measure(clock, () => 3000, () => 1500);

        Assert.AreEqual(0.5, result.Ratio.Value, 1e-9);
        Assert.AreEqual(15, result.Pairs);
    }

    [TestMethod]
    public void Only_one_measures_at_a_time()
    {
        string name = "ModelBuildTasks.Test." + Guid.NewGuid().ToString("n");
        // Another thread is to a mutex what another process is.
        bool OthersGetTheTurn()
        {
            bool got = false;
            Thread other = new(() =>
            {
                using MeasuringTurn? turn = MeasuringTurn.Take(TimeSpan.FromMilliseconds(20), name);
                got = turn is not null;
            });
            other.Start();
            other.Join();
            return got;
        }

        using (MeasuringTurn? held = MeasuringTurn.Take(TimeSpan.Zero, name))
        {
            Assert.IsNotNull(held);
            Assert.IsFalse(OthersGetTheTurn());
        }

        Assert.IsTrue(OthersGetTheTurn());
    }

    private static LatencyResult Measure(FakeClock clock, Func<double> original, Func<double> optimized, LatencySettings? settings = null) =>
        LatencyComparison.Measure(() => clock.Work(original()), () => clock.Work(optimized()), "a processor", 1, settings ?? new LatencySettings(), clock);
}
