using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.DataChecks;

[TestClass]
public sealed class LabelTallyTests
{
    [TestMethod]
    public void Balanced_labels_have_no_problem() => Assert.IsEmpty(Problems(Classes(100, i => i % 4), 4));

    [TestMethod]
    public void A_class_that_never_occurs_is_named()
    {
        Assert.AreEqual("class 3 of the model's 4 has no sample, so that nothing is known of it", Problems(Classes(100, i => i % 3), 4).Single());
        Assert.AreEqual("classes 1, 2 of the model's 4 have no sample, so that nothing is known of them", Problems(Classes(100, i => i % 2 * 3), 4).Single());
        Assert.AreEqual("classes 3, 4, 5, 6, 7 and 22 more of the model's 30 have no sample, so that nothing is known of them", Problems(Classes(300, i => i % 3), 30).Single());
    }

    [TestMethod]
    [DataRow(39, 4L)]
    [DataRow(2000, 101L)]
    [DataRow(100, null)]
    public void Few_samples_many_classes_or_no_vector_of_scores_tell_of_no_missing_class(int samples, long? classes) => Assert.IsEmpty(Problems(Classes(samples, i => i % 2), classes));

    [TestMethod]
    public void One_class_only_is_a_problem_of_its_own() =>
        StringAssert.Contains(Problems(Classes(50, _ => 2), 4).Single(), "all 50 samples have the label 2");

    [TestMethod]
    public void One_class_for_nearly_all_makes_a_share_of_right_answers_idle()
    {
        DrawnDataset data = Classes(100, i => i < 97 ? 0 : 1);

        StringAssert.Contains(Problems(data, 2).Single(), "a model that always answers 0 has an accuracy of 0.970");
        Assert.IsEmpty(Problems(data, 2, countsAnswers: false));
        Assert.IsEmpty(Problems(Classes(100, i => i < 95 ? 0 : 1), 2));
    }

    [TestMethod]
    public void Copies_with_different_labels_contradict_each_other()
    {
        DrawnDataset data = new(40, i => DrawnDataset.Image(i % 20, label: i == 25 ? 1 : i % 2 == 0 ? 0 : 1));
        StringAssert.Contains(Problems(new DrawnDataset(40, i => DrawnDataset.Image(i % 20, label: i == 26 ? 1 : i % 2)), 2).Single(), "1 sample is a copy of one with another label, such as 'sample 26' of 'sample 6'");
        Assert.IsEmpty(Problems(data, 2));
    }

    [TestMethod]
    public void Rows_of_a_table_may_have_several_answers() =>
        Assert.IsEmpty(Problems(new DrawnDataset(40, i => new Sample(DrawnDataset.Row(i % 5).Inputs, Tensor.Scalar((long)(i % 2)))), 2));

    [TestMethod]
    public void Equal_numbers_to_predict_are_a_problem()
    {
        DrawnDataset Values(Func<int, float> value) => new(10, i => new Sample(DrawnDataset.Row(i).Inputs, Tensor.Vector(value(i))));

        StringAssert.Contains(Problems(Values(_ => 2.5f), null).Single(), "all 10 samples have the same label, 2.5");
        Assert.IsEmpty(Problems(Values(i => i == 9 ? 3 : 2.5f), null));
    }

    [TestMethod]
    public void No_labels_have_no_problem() => Assert.IsEmpty(Problems(new DrawnDataset(30, i => DrawnDataset.Row(i)), 4));

    [TestMethod]
    [DataRow("mnist/test5k-images.idx.gz", new long[] { 1, 28, 28 }, 10L)]
    [DataRow("fashion900/images600.idx.gz", new long[] { 1, 28, 28 }, 10L)]
    [DataRow("digits/test_x.idx.gz", new long[] { 64 }, 10L)]
    [DataRow("iris/iris.csv", new long[] { 4 }, 3L)]
    [DataRow("textline_orient/images400.idx.gz", new long[] { 48, 192, 3 }, 2L)]
    [DataRow("magika_src/features758.idx.gz", new long[] { 2048 }, 214L)]
    public void Published_sets_have_no_problem(string data, long[] shape, long classes) =>
        Assert.IsEmpty(Problems(Dataset.Open(Path.Combine(PublishedData.Root(), "datasets", data), [DrawnDataset.Input(["N", .. shape.Select(size => new Dimension(size, null))])]), classes));

    private static DrawnDataset Classes(int count, Func<int, int> label) => new(count, i => DrawnDataset.Image(i, label: label(i)));

    private static string[] Problems(Dataset data, long? classes, bool countsAnswers = true)
    {
        DataSurvey survey = new(data, []);
        survey.ReadRest();
        return [.. survey.LabelProblems(classes, countsAnswers)];
    }
}
