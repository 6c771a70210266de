using ModelBuildTasks.Evaluation.Metrics;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class GroupDropsTests
{
    [TestMethod]
    public void One_lost_sample_of_a_small_class_proves_nothing()
    {
        ClassDrop drop = Classes([Answer(0, 1), Answer(0, 0), Answer(0, 0)]).Single();

        Assert.AreEqual(1 / 3.0, drop.Drop.Value, 1e-12);
        Assert.IsLessThan(0, drop.Drop.Low);
    }

    [TestMethod]
    public void Many_lost_samples_do()
    {
        ClassDrop drop = Classes(Enumerable.Range(0, 100).Select(i => Answer(0, i < 30 ? 1 : 0))).Single();

        Assert.IsTrue(drop.Drop.Low > 0.15 && drop.Drop.High < 0.45, drop.Drop.ToString());
    }

    [TestMethod]
    public void More_classes_make_each_interval_wider()
    {
        IEnumerable<GroupedAnswer> Answers(int classes) => Enumerable.Range(0, 50 * classes).Select(i => Answer(i % classes, i % classes));

        Assert.IsGreaterThan(Classes(Answers(1))[0].Drop.Uncertainty, Classes(Answers(20))[0].Drop.Uncertainty);
    }

    [TestMethod]
    public void Slices_are_groups_beside_the_classes()
    {
        // Right before; afterwards wrong on half of the samples at night, which are of both classes.
        GroupedAnswer[] answers = [.. Enumerable.Range(0, 200).Select(i => new GroupedAnswer(i % 2, i % 4 < 2 ? "night" : i % 4 == 2 ? "day" : null, i % 2, i % 8 < 2 ? 1 - i % 2 : i % 2))];

        (IReadOnlyList<ClassDrop> classes, IReadOnlyList<SliceDrop> slices) = GroupDrops.Of(answers, [], 0.95);

        Assert.AreEqual(("night", 100, 0.5), (slices[0].Slice, slices[0].Samples, slices[0].Drop.Value));
        Assert.AreEqual(("day", 50, 0), (slices[1].Slice, slices[1].Samples, slices[1].Drop.Value));
        Assert.AreEqual(0.25, classes[0].Drop.Value);
        Assert.HasCount(2, slices);
    }

    [TestMethod]
    public void A_slice_for_every_sample_does_not_grow_the_result()
    {
        IReadOnlyList<SliceDrop> slices = GroupDrops.Of([.. Enumerable.Range(0, 5000).Select(i => new GroupedAnswer(0, $"{i}", 0, i % 2))], [], 0.95).Slices;

        Assert.IsLessThanOrEqualTo(100, slices.Count);
        Assert.AreEqual(1, slices[0].Drop.Value);
    }

    [TestMethod]
    public void Of_many_slices_the_one_that_surely_lost_is_told()
    {
        IEnumerable<GroupedAnswer> small = Enumerable.Range(0, 500).Select(i => new GroupedAnswer(0, $"small {i}", 0, 1));
        IEnumerable<GroupedAnswer> large = Enumerable.Range(0, 1000).Select(i => new GroupedAnswer(0, "large", 0, i % 3 == 0 ? 1 : 0));

        Assert.IsTrue(GroupDrops.Of([.. small, .. large], [], 0.95).Slices.Any(slice => slice.Slice == "large" && slice.Drop.Low > 0.2));
    }

    [TestMethod]
    public void Classes_have_the_names_that_the_data_gives()
    {
        IReadOnlyList<ClassDrop> classes = GroupDrops.Of([Answer(0, 0), Answer(2, 0)], ["cat", "dog"], 0.95).Classes;

        Assert.AreEqual("class 2", classes[0].ToString());
        Assert.AreEqual("class 0 (cat)", classes[1].ToString());
    }

    private static GroupedAnswer Answer(int label, int optimized) => new(label, null, label, optimized);

    private static IReadOnlyList<ClassDrop> Classes(IEnumerable<GroupedAnswer> answers) => GroupDrops.Of([.. answers], [], 0.95).Classes;
}
