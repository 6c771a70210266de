using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Evaluation.Tests.DataChecks;

[TestClass]
public sealed class SharedSamplesTests
{
    [TestMethod]
    public void Sets_without_a_common_sample_share_nothing() =>
        Assert.IsNull(Shared(Images(0, 50), Images(50, 50)));

    [TestMethod]
    public void Equal_samples_are_found_with_their_twins()
    {
        SharedSamples shared = Shared(Images(0, 50), Images(48, 40))!;

        Assert.AreEqual(2, shared.Exact);
        Assert.AreEqual(0, shared.Near);
        Assert.AreEqual(40, shared.Samples);
        Assert.IsFalse(shared.IsWhole);
        CollectionAssert.AreEqual(new[] { (0, 48), (1, 49) }, shared.Examples.ToArray());
    }

    [TestMethod]
    public void Near_copies_are_found()
    {
        DrawnDataset evaluation = new(40, i => i < 10 ? DrawnDataset.Image(i + 5, pixel => 0.9f * pixel + 0.01f * (pixel * 1000 % 1)) : DrawnDataset.Image(i + 1000));

        SharedSamples shared = Shared(Images(0, 50), evaluation)!;

        Assert.AreEqual(0, shared.Exact);
        Assert.AreEqual(10, shared.Near);
        CollectionAssert.AreEqual(new[] { (0, 5), (1, 6), (2, 7) }, shared.Examples.ToArray());
    }

    [TestMethod]
    public void Copies_within_the_evaluation_data_do_not_hide_what_both_sets_hold()
    {
        // Thirty samples twice, and five that the calibration data has, too.
        DrawnDataset exact = new(100, i => DrawnDataset.Image(i < 5 ? i : 1000 + (i < 35 ? i : i < 65 ? i - 30 : i)));
        DrawnDataset near = new(100, i => i is >= 35 and < 65
            ? DrawnDataset.Image(1000 + i - 30, pixel => 0.9f * pixel + 0.01f)
            : i < 5 ? DrawnDataset.Image(i, pixel => 0.9f * pixel + 0.01f) : DrawnDataset.Image(1000 + i));

        Assert.AreEqual(5, Shared(Images(0, 50), exact)!.Exact);
        Assert.AreEqual(5, Shared(Images(0, 50), near)!.Near);
    }

    [TestMethod]
    public void The_same_set_twice_is_said_to_be_that()
    {
        Assert.IsTrue(Shared(Images(0, 20), Images(0, 20))!.IsWhole);
        Assert.IsFalse(Shared(Images(0, 21), Images(0, 20))!.IsWhole);
    }

    [TestMethod]
    public void Rows_of_few_values_are_equal_by_chance()
    {
        // Two dice: 36 different rows.
        DrawnDataset Dice(int seed)
        {
            Random random = new(seed);
            float[][] throws = [.. Enumerable.Range(0, 200).Select(_ => new float[] { random.Next(6), random.Next(6) })];
            return new(200, i => DrawnDataset.Row(throws[i]));
        }

        Assert.IsNull(Shared(Dice(1), Dice(2), columns: 2));
    }

    [TestMethod]
    public void Rows_that_are_no_chance_are_shared()
    {
        DrawnDataset Rows(int first) => new(100, i => DrawnDataset.Row(first + i, 0.5f));

        Assert.AreEqual(90, Shared(Rows(0), Rows(10), columns: 2)!.Exact);
    }

    [TestMethod]
    [DataRow("mnist/calib1k-images.idx.gz", "mnist/test5k-images.idx.gz", 28)]
    [DataRow("digits/train_x.idx.gz", "digits/test_x.idx.gz", 8)]
    public void Published_training_and_test_sets_share_nothing(string training, string test, int side)
    {
        string root = Path.Combine(PublishedData.Root(), "datasets");
        TensorSignature input = DrawnDataset.Input("N", 1, side, side);

        Assert.IsNull(Shared(Dataset.Open(Path.Combine(root, training), [input]), Dataset.Open(Path.Combine(root, test), [input]), input));
    }

    [TestMethod]
    public void Overlapping_parts_of_a_published_set_share_what_lies_in_both()
    {
        TensorSignature input = DrawnDataset.Input("N", 1, 28, 28);
        string path = Path.Combine(PublishedData.Root(), "datasets", "fashion900", "images600.idx.gz");
        string folder = Directory.CreateTempSubdirectory("modelbuild-").FullName;
        try
        {
            string Part(string name, string from, string to)
            {
                File.WriteAllText(Path.Combine(folder, name), $$"""{ "data": "{{path}}", "split": { "from": {{from}}, "to": {{to}} } }""");
                return Path.Combine(folder, name);
            }

            Dataset Open(string description) => Dataset.Open(description, [input]);

            Assert.IsNull(Shared(Open(Part("a.json", "0", "0.5")), Open(Part("b.json", "0.5", "1")), input));
            Assert.AreEqual(60, Shared(Open(Part("a.json", "0", "0.5")), Open(Part("b.json", "0.4", "1")), input)!.Exact);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static DrawnDataset Images(int first, int count) => new(count, i => DrawnDataset.Image(first + i));

    private static SharedSamples? Shared(Dataset calibration, Dataset evaluation, int? columns = null) =>
        Shared(calibration, evaluation, columns is { } count ? DrawnDataset.Input("N", count) : DrawnDataset.Input("N", 1, 32, 32));

    private static SharedSamples? Shared(Dataset calibration, Dataset evaluation, TensorSignature input)
    {
        (DataSurvey first, DataSurvey second) = (new(calibration, [input]), new(evaluation, [input]));
        first.ReadRest();
        second.ReadRest();
        return second.SharedWith(first);
    }
}
