using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Searching;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Searching;

[TestClass]
public sealed class ShelfTests : IDisposable
{
    private readonly Workplace place = new();
    private readonly ShippedForm shipped;
    private readonly Shelf shelf;

    public ShelfTests()
    {
        shipped = new ShippedForm(place.Request(), place["artifact.onnx"]);
        shelf = new Shelf(shipped);
    }

    public void Dispose()
    {
        shelf.Dispose();
        shipped.Dispose();
        place.Dispose();
    }

    [TestMethod]
    public void A_trial_is_put_back_where_candidates_are_written()
    {
        Trial first = Kept("first");
        Kept("second");

        shelf.Take(first);

        Assert.AreEqual("first", File.ReadAllText(shipped.ArtifactPath));
        Assert.IsNull(shelf.PathOf(first));
    }

    [TestMethod]
    public void What_falls_behind_is_deleted()
    {
        Trial[] trials = [.. Enumerable.Range(0, Shelf.Places + 2).Select(number => Kept($"{number}"))];

        shelf.Tidy(trials);

        CollectionAssert.AreEqual(trials.Take(Shelf.Places).ToArray(), trials.Where(trial => shelf.PathOf(trial) is not null).ToArray());
        Assert.HasCount(Shelf.Places, Staged());
    }

    [TestMethod]
    public void A_trial_without_a_file_takes_no_place()
    {
        Trial[] trials = [SampleTrials.Of("source"), .. Enumerable.Range(0, Shelf.Places).Select(number => Kept($"{number}"))];

        shelf.Tidy(trials);

        Assert.HasCount(Shelf.Places, Staged());
    }

    [TestMethod]
    public void Trials_of_equal_figures_are_two_trials()
    {
        Trial[] twins = [Kept("twin"), Kept("twin")];

        Assert.AreNotEqual(shelf.PathOf(twins[0]), shelf.PathOf(twins[1]));
    }

    [TestMethod]
    public void A_trial_that_is_restated_keeps_its_file()
    {
        Trial trial = Kept("first");
        Trial restated = trial with { Name = "restated" };

        shelf.Rename(trial, restated);

        Assert.IsNull(shelf.PathOf(trial));
        Assert.AreEqual("first", File.ReadAllText(shelf.PathOf(restated)!));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void Weights_that_two_trials_share_stay_with_the_one_that_is_taken(int taken)
    {
        using ShippedForm large = InTwoFiles();
        using (Shelf two = new(large))
        {
            Trial[] twins = Twins(two, large);
            Assert.AreEqual(twins[0].Outcome!.ExternalData, twins[1].Outcome!.ExternalData, "This tests nothing.");
            two.Take(twins[1 - taken]);
            two.Take(twins[taken]);
        }

        Assert.IsTrue(File.Exists(place[large.ExternalData!]));
        large.Dispose();
        Assert.IsEmpty(Directory.GetFiles(place.Folder, "*.data"), "It goes with the candidate.");
    }

    [TestMethod]
    public void Weights_that_a_trial_shares_with_one_that_has_fallen_behind_stay()
    {
        using ShippedForm large = InTwoFiles();
        using (Shelf two = new(large))
        {
            Trial[] twins = Twins(two, large);
            two.Tidy([twins[1]]);
            Assert.IsTrue(File.Exists(place[twins[1].Outcome!.ExternalData!]));
        }

        large.Dispose();
        Assert.IsEmpty(Directory.GetFiles(place.Folder, "*.data"));
    }

    [TestMethod]
    public void Nothing_is_left_at_the_end()
    {
        Kept("first");
        Kept("second");

        shelf.Dispose();

        Assert.IsEmpty(Staged());
    }

    private Trial Kept(string name)
    {
        File.WriteAllText(shipped.ArtifactPath, name);
        Trial trial = SampleTrials.Of(name);
        shelf.Keep(trial);
        return trial;
    }

    private ShippedForm InTwoFiles() => new(place.Request(), place["large.onnx"], largestFile: 10_000);

    /// <summary>Two models of the same weights.</summary>
    private static Trial[] Twins(Shelf shelf, ShippedForm shipped) => [.. new[] { "first", "second" }.Select(name =>
    {
        Model model = SmallModels.Mlp();
        model.Metadata["name"] = name;
        shipped.Save(model);
        Trial trial = SampleTrials.Of(name);
        trial = trial with { Outcome = trial.Outcome! with { ExternalData = shipped.ExternalData } };
        shelf.Keep(trial);
        return trial;
    })];

    private string[] Staged() => Directory.GetFiles(place.Folder, "*.staged");
}
