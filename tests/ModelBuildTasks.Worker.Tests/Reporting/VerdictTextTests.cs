using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class VerdictTextTests
{
    [TestMethod]
    public void An_interval_of_latency_has_as_many_digits_at_both_ends() =>
        Assert.AreEqual("0.030 ms to 0.031 ms", VerdictText.Interval(new JudgedBudget { Name = "MaxLatency", Allowed = 0.5, Value = 0.0304, Low = 0.03, High = 0.0309, Verdict = Verdict.Passed }));
}
