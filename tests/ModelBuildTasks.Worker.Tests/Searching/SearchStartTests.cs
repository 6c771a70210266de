using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>What the lock file has is where an update begins, and binds it to nothing.</summary>
[TestClass]
public sealed class SearchStartTests : SearchedModel
{
    [TestMethod]
    public void What_does_nothing_here_is_refused_and_the_search_goes_on()
    {
        SmallModels.Cnn().Save(place.ModelPath);
        OptimizationResult free = Search();

        OptimizationResult updated = Search(request => request.Start = new PinnedRecipe { Precision = Precision.Int4, Quantization = Quantization.WeightOnly });

        Assert.IsNotNull(updated.Search!.Trials[0].Refusal);
        AssertAsIfNothingWasLocked(free, updated);
    }

    [TestMethod]
    [DataRow(Precision.Float16, Quantization.Dynamic, Calibration.Auto, Pruning.TwoFour, 0.0)]
    [DataRow(Precision.Binary, Quantization.WeightOnly, Calibration.Entropy, Pruning.None, 0.0)]
    [DataRow(Precision.Auto, Quantization.None, Calibration.Auto, Pruning.Structured, 1.0)]
    [DataRow(Precision.Auto, Quantization.Static, Calibration.Auto, Pruning.Auto, 0.5)]
    public void What_loses_too_much_or_makes_no_sense_is_refused_and_the_search_goes_on(Precision precision, Quantization quantization, Calibration calibration, Pruning pruning, double sparsity)
    {
        SmallModels.Mlp().Save(place.ModelPath);
        OptimizationResult free = Search(request => request.Settings.Pruning = Pruning.Auto);

        OptimizationResult updated = Search(request =>
        {
            request.Settings.Pruning = Pruning.Auto;
            request.Start = new PinnedRecipe { Precision = precision, Quantization = quantization, Calibration = calibration, Pruning = pruning, Sparsity = sparsity };
        });

        Assert.AreEqual("the lock file has it", updated.Search!.Trials[0].Reason);
        AssertAsIfNothingWasLocked(free, updated);
    }

    [TestMethod]
    public void Nodes_that_are_not_there_are_as_good_as_none()
    {
        OptimizationResult updated = Search(request => request.Start = new PinnedRecipe { Quantization = Quantization.Static, FloatNodes = ["no such node"], SlowerLayers = ["no such layer"], IsJudged = true });

        Assert.AreEqual("static int8", Chosen(updated).Name);
        CollectionAssert.AreEqual(Array.Empty<string>(), updated.Pinned!.FloatNodes!.ToArray());
    }

    [TestMethod]
    public void What_is_locked_and_still_as_good_stays()
    {
        OptimizationResult free = Search();

        OptimizationResult updated = Search(request => request.Start = free.Pinned);

        Assert.IsTrue(updated.Search!.Trials[0].IsChosen);
        Assert.AreEqual(free.ArtifactSha256, updated.ArtifactSha256);
        Assert.IsTrue(PinnedRecipe.AreSame(free.Pinned, updated.Pinned));
    }

    [TestMethod]
    public void A_kind_that_is_not_tried_by_itself_any_more_comes_behind_those_that_are()
    {
        OptimizationResult free = Search();

        OptimizationResult updated = Search(request => request.Start = new PinnedRecipe { Precision = Precision.Float16 });

        Assert.AreEqual("float16 storage", updated.Search!.Trials[0].Name);
        Assert.IsNull(updated.Search.Trials[0].Refusal);
        AssertAsIfNothingWasLocked(free, updated);
    }

    private static void AssertAsIfNothingWasLocked(OptimizationResult free, OptimizationResult updated)
    {
        Assert.AreEqual(free.ArtifactSha256, updated.ArtifactSha256, Names(updated));
        CollectionAssert.AreEqual(free.Diagnostics.Select(diagnostic => diagnostic.Message).ToArray(), updated.Diagnostics.Select(diagnostic => diagnostic.Message).ToArray());
        CollectionAssert.AreEqual(free.Recipe.Select(step => step.Name).ToArray(), updated.Recipe.Select(step => step.Name).ToArray());
    }
}
