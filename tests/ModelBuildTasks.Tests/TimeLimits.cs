using ModelBuildTasks.Execution;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class TimeLimits
{
    [TestMethod]
    [DataRow("")]
    [DataRow("0s")]
    public void What_is_not_written_is_no_limit(string text) => Assert.IsNull(TimeLimit.Of(text, 2));

    [TestMethod]
    public void Every_model_has_the_limit_to_itself() => Assert.AreEqual(TimeSpan.FromMinutes(10), TimeLimit.Of("5min", 2)!.Duration);

    [TestMethod]
    [DataRow("1s", 1, 11_200)]
    [DataRow("5min", 1, 370_000)]
    [DataRow("5min", 3, 1_110_000)]
    [DataRow("100000h", 1000, int.MaxValue)]
    public void A_worker_is_ended_when_every_model_has_had_its_time_and_some_more_to_finish(string text, int models, int milliseconds) =>
        Assert.AreEqual(milliseconds, TimeLimit.Of(text, models)!.KillMilliseconds);
}
