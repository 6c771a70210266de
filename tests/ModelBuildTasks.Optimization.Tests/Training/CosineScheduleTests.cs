using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class CosineScheduleTests
{
    [TestMethod]
    public void Rises_then_falls_to_zero()
    {
        CosineSchedule schedule = new(Peak: 1, WarmUp: 4, Steps: 104);
        Assert.AreEqual(0.25f, schedule.At(0));
        Assert.AreEqual(1f, schedule.At(4), 1e-6f);
        Assert.AreEqual(0.5f, schedule.At(54), 1e-6f);
        Assert.AreEqual(0f, schedule.At(104), 1e-6f);
    }
}
