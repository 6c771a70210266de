using ModelBuildTasks.Evaluation.Metrics;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class ClassDropsTests
{
    [TestMethod]
    public void One_lost_sample_of_a_small_class_proves_nothing()
    {
        ClassDrop drop = ClassDrops.Of([(0, 0, 1), (0, 0, 0), (0, 0, 0)], 0.95).Single();

        Assert.AreEqual(1 / 3.0, drop.Drop.Value, 1e-12);
        Assert.IsLessThan(0, drop.Drop.Low);
    }

    [TestMethod]
    public void Many_lost_samples_do()
    {
        ClassDrop drop = ClassDrops.Of(Enumerable.Range(0, 100).Select(i => (0, 0, i < 30 ? 1 : 0)), 0.95).Single();

        Assert.IsTrue(drop.Drop.Low > 0.15 && drop.Drop.High < 0.45, drop.Drop.ToString());
    }

    [TestMethod]
    public void More_classes_make_each_interval_wider()
    {
        IEnumerable<(int, int, int)> Answers(int classes) => Enumerable.Range(0, 50 * classes).Select(i => (i % classes, i % classes, i % classes));

        Assert.IsGreaterThan(ClassDrops.Of(Answers(1), 0.95)[0].Drop.Uncertainty, ClassDrops.Of(Answers(20), 0.95)[0].Drop.Uncertainty);
    }
}
