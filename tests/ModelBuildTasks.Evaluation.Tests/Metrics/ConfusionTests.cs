using ModelBuildTasks.Evaluation.Metrics;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class ConfusionTests
{
    [TestMethod]
    public void Few_classes_are_told_whole()
    {
        // Class 0: right, right → wrong; class 1: wrong → right.
        Confusion confusion = Confusion.Of([new(0, null, 0, 0), new(0, null, 0, 1), new(1, null, 0, 1)], ["cat", "dog"]);

        Assert.IsTrue(confusion.IsWhole);
        CollectionAssert.AreEqual(new ConfusionCell[] { new(0, 0, 2, 1), new(0, 1, 0, 1), new(1, 0, 1, 0), new(1, 1, 0, 1) }, confusion.Cells.ToArray());
        CollectionAssert.AreEqual(new ClassAnswers[] { new(0, "cat", 2, 2, 1, 3, 1), new(1, "dog", 1, 0, 1, 0, 2) }, confusion.Classes.ToArray());
    }

    [TestMethod]
    public void An_answer_that_is_no_class_is_a_cell_and_no_class()
    {
        Confusion confusion = Confusion.Of([new(0, null, 0, ClassScores.None)], []);

        Assert.AreEqual(new ConfusionCell(0, -1, 0, 1), confusion.Cells[0]);
        Assert.AreEqual(0, confusion.Classes.Single().RightOptimized);
    }

    [TestMethod]
    public void Of_many_classes_what_changed_most_is_told()
    {
        // 500 classes with 4 samples each; class 77 loses all to 78, class 5 one to 6.
        Confusion confusion = Confusion.Of([.. Enumerable.Range(0, 2000).Select(i => new GroupedAnswer(i / 4, null, i / 4, i / 4 == 77 ? 78 : i == 20 ? 6 : i / 4))], []);

        Assert.IsFalse(confusion.IsWhole);
        Assert.AreEqual(500, confusion.ClassCount);
        Assert.HasCount(4, confusion.Cells);
        Assert.AreEqual((77, 4), (confusion.Cells[0].Label, Math.Abs(confusion.Cells[0].Change)));
        Assert.IsLessThanOrEqualTo(Confusion.MostClasses + 2 * Confusion.MostCells, confusion.Classes.Count);
        Assert.AreEqual(new ClassAnswers(77, null, 4, 4, 0, 4, 0), confusion.Classes.Single(entry => entry.Class == 77));
        Assert.IsTrue(confusion.Classes.Any(entry => entry.Class == 6));
    }

    [TestMethod]
    public void A_cell_for_every_sample_does_not_grow_the_result()
    {
        Confusion confusion = Confusion.Of([.. Enumerable.Range(0, 20_000).Select(i => new GroupedAnswer(i, null, i, i + 1))], []);

        Assert.HasCount(Confusion.MostCells, confusion.Cells);
        Assert.IsLessThanOrEqualTo(Confusion.MostClasses + 2 * Confusion.MostCells, confusion.Classes.Count);
    }
}
