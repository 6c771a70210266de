using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class StepScheduleTests
{
    [TestMethod]
    public void Rises_and_falls_in_steps()
    {
        StepSchedule schedule = new(Peak: 1, WarmUp: 4, Drops: [10, 15]);

        Assert.AreEqual(0.25f, schedule.At(0));
        Assert.AreEqual(1f, schedule.At(3));
        Assert.AreEqual(1f, schedule.At(9));
        Assert.AreEqual(0.1f, schedule.At(10), 1e-6f);
        Assert.AreEqual(0.01f, schedule.At(15), 1e-6f);
    }
}
