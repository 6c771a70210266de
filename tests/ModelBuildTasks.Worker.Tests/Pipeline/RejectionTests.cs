using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class RejectionTests
{
    [TestMethod]
    public void What_was_measured_slower_is_not_told_to_give_more_data()
    {
        Rejection rejection = Rejection.Of("it takes 1.2 times the original's time on this machine", RefusalCause.Latency);

        Assert.DoesNotContain("CalibrationData", rejection.Advice);
        StringAssert.Contains(rejection.Advice, "ModelMeasurement");
    }

    [TestMethod]
    public void Each_cause_has_advice_of_its_own()
    {
        string[] advice = [.. Enum.GetValues<RefusalCause>().Select(cause => Rejection.Of("no", cause).Advice)];

        CollectionAssert.AllItemsAreUnique(advice);
        Assert.IsTrue(advice.All(sentence => sentence.EndsWith('.')));
    }
}
