using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Tests.Locking;

[TestClass]
public sealed class LockedChoices
{
    private static readonly string[] s_steps = ["simplification", "static int8 quantization"];

    [TestMethod]
    public void Is_what_the_same_request_became()
    {
        var choice = LockedChoice.Of(Locked.Entry(), Locked.Request())!;

        Assert.IsTrue(choice.Is("a000"));
        Assert.IsFalse(choice.Is("b000"));
        CollectionAssert.AreEqual(s_steps, choice.Plan.ToArray());
        Assert.IsTrue(PinnedRecipe.AreSame(Locked.Result().Pinned, choice.Recipe));
    }

    [TestMethod]
    public void Another_setting_or_source_leaves_the_choice_open()
    {
        Assert.IsNull(LockedChoice.Of(Locked.Entry(), Locked.Request(request => request.Settings.Precision = Precision.Int8)));
        Assert.IsNull(LockedChoice.Of(Locked.Entry(), Locked.Request(request => request.Inputs[0].Sha256 = "6000")));
        Assert.IsNull(LockedChoice.Of(null, Locked.Request()));
    }

    [TestMethod]
    public void Without_a_recipe_there_is_nothing_to_make_again() =>
        Assert.IsNull(LockedChoice.Of(Locked.Entry(result: result => result.Pinned = null), Locked.Request()));

    [TestMethod]
    public void Weights_that_were_trained_begin_an_update_of_the_same_source_and_settings_alone()
    {
        LockEntry locked = Locked.Entry(result: result => result.Pinned!.TrainedWeights = ["a1"]);

        Assert.HasCount(1, LockedChoice.StartOf(locked, Locked.Request())!.TrainedWeights);
        Assert.IsEmpty(LockedChoice.StartOf(locked, Locked.Request(request => request.Settings.FineTuneEpochs = 3))!.TrainedWeights);
        Assert.IsEmpty(LockedChoice.StartOf(locked, Locked.Request(request => request.Inputs[0].Sha256 = "6000"))!.TrainedWeights);
        Assert.HasCount(1, LockedChoice.StartOf(locked, Locked.Request(request => request.Settings.FineTuneEpochs = 3))!.FloatNodes!);
    }

    [TestMethod]
    public void Other_weights_are_another_training()
    {
        var choice = LockedChoice.Of(Locked.Entry(result: result => result.Pinned!.TrainedWeights = ["a1"]), Locked.Request())!;

        Assert.IsFalse(choice.IsTrainedOtherwise(new PinnedRecipe { TrainedWeights = ["a1"] }));
        Assert.IsTrue(choice.IsTrainedOtherwise(new PinnedRecipe { TrainedWeights = ["a2"] }));
        Assert.IsTrue(choice.IsTrainedOtherwise(new PinnedRecipe()));
    }

    [TestMethod]
    [DataRow(1000L, true)]
    [DataRow(1010L, true)]
    [DataRow(990L, true)]
    [DataRow(1011L, false)]
    public void The_same_steps_may_give_a_little_more_or_less(long size, bool isLike) =>
        Assert.AreEqual(isLike, LockedChoice.Of(Locked.Entry(), Locked.Request())!.IsLike(size, s_steps));

    [TestMethod]
    public void Other_steps_are_another_choice() =>
        Assert.IsFalse(LockedChoice.Of(Locked.Entry(), Locked.Request())!.IsLike(1000, s_steps.Take(1)));

    [TestMethod]
    public void A_request_keeps_it()
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.request.json");
        try
        {
            Locked.Request(request => request.Locked = LockedChoice.Of(Locked.Entry(), request)).Write(path);

            var read = OptimizationRequest.Read(path).Locked!;

            Assert.IsTrue(read.Is("a000") && read.IsLike(1000, s_steps) && PinnedRecipe.AreSame(Locked.Result().Pinned, read.Recipe));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    [DataRow("a000", false, true)]
    [DataRow("a001", true, true, DisplayName = "another processor made it by the same recipe")]
    [DataRow("a001", false, false)]
    public void A_result_is_it_by_its_bytes_or_by_its_recipe(string artifact, bool isByRecipe, bool isLocked) =>
        Assert.AreEqual(isLocked, LockedChoice.Of(Locked.Entry(), Locked.Request())!.IsOf(Locked.Result(result => (result.ArtifactSha256, result.Pinned) = (artifact, isByRecipe ? result.Pinned : null))));

    [TestMethod]
    public void The_cache_tells_what_was_made_by_it_from_what_was_made_freely()
    {
        var free = Locked.Request();
        var locked = Locked.Request(request => request.Locked = LockedChoice.Of(Locked.Entry(), request));

        Assert.AreNotEqual(RequestKey.OfArtifact(free), RequestKey.OfArtifact(locked));
        Assert.AreEqual(RequestKey.OfArtifact(free, locked.Locked!.Recipe), RequestKey.OfArtifact(locked));
        Assert.AreNotEqual(RequestKey.OfResult(free), RequestKey.OfResult(locked));
    }
}
