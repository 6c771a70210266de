using ModelBuildTasks.Worker.Searching;

namespace ModelBuildTasks.Worker.Tests.Searching;

[TestClass]
public sealed class SearchClockTests
{
    private const double AtOnce = 1e-9;

    [TestMethod]
    public void It_is_up_when_its_share_of_the_limit_is_over()
    {
        using SearchClock clock = SearchClock.Start(0.01, CancellationToken.None);

        Assert.IsTrue(clock.Token.WaitHandle.WaitOne(TimeSpan.FromMinutes(1)));
        Assert.IsTrue(clock.IsUp);
    }

    [TestMethod]
    public void It_is_up_at_once_with_a_limit_that_no_timer_can_tell()
    {
        using SearchClock clock = SearchClock.Start(AtOnce, CancellationToken.None);

        Assert.IsTrue(clock.IsUp);
    }

    [TestMethod]
    [DataRow(null)]
    [DataRow(0.0)]
    [DataRow(3600.0)]
    [DataRow(1e12)]
    [DataRow(double.PositiveInfinity)]
    public void It_is_not_up_at_once_with_a_limit_that_is_long_or_not_written(double? seconds)
    {
        using SearchClock clock = SearchClock.Start(seconds, CancellationToken.None);

        Assert.IsFalse(clock.Token.IsCancellationRequested);
        Assert.IsFalse(clock.IsUp);
    }

    [TestMethod]
    public void A_build_that_is_cancelled_ends_a_trial_and_is_not_the_end_of_the_time()
    {
        using CancellationTokenSource build = new();
        using SearchClock clock = SearchClock.Start(null, build.Token);
        build.Cancel();

        Assert.IsTrue(clock.Token.IsCancellationRequested);
        Assert.IsFalse(clock.IsUp);
    }

    [TestMethod]
    public void A_build_that_is_cancelled_after_the_time_was_up_is_cancelled()
    {
        using CancellationTokenSource build = new();
        using SearchClock clock = SearchClock.Start(AtOnce, build.Token);

        build.Cancel();

        Assert.IsFalse(clock.IsUp);
    }
}
