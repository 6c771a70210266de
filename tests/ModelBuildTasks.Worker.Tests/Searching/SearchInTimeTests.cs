using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Searching;
using ModelBuildTasks.Worker.Tests.Infra;
using static ModelBuildTasks.Worker.Tests.Searching.SampleTrials;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>The time ends a search and never a build.</summary>
[TestClass]
public sealed class SearchInTimeTests : SearchedModel
{
    private const double AtOnce = 1e-6;

    [TestMethod]
    public void A_search_without_any_time_ships_something()
    {
        OptimizationResult result = Search(request => (request.TimeoutSeconds, request.Settings.Pruning) = (AtOnce, Pruning.Auto));

        Assert.IsTrue(result.Search!.IsCutShort);
        Assert.IsTrue(File.Exists(result.ArtifactPath));
        CollectionAssert.AreEqual(new[] { Path.GetFileName(place.OutputPath) }, Directory.GetFiles(place["obj"]).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void A_search_without_any_time_ships_something_of_a_model_whose_inputs_become_float16()
    {
        OptimizationResult result = Search(request => (request.TimeoutSeconds, request.Settings.IoPrecision) = (AtOnce, IoPrecision.Float16));

        Assert.IsTrue(result.Search!.IsCutShort);
    }

    [TestMethod]
    public void What_is_locked_is_no_reason_for_a_search_to_take_more_time()
    {
        OptimizationResult free = Search();

        OptimizationResult result = Search(request => (request.TimeoutSeconds, request.Start) = (AtOnce, free.Pinned));

        Assert.IsTrue(result.Search!.IsCutShort);
    }

    [TestMethod]
    public void What_was_cut_short_is_searched_for_again_and_known_to_a_build_whose_lock_file_has_it()
    {
        OptimizationResult cut = Search(request => request.TimeoutSeconds = AtOnce);

        OptimizationResult again = Search();
        Assert.IsFalse(again.FromCache);
        Assert.IsFalse(again.Search!.IsCutShort);
        Assert.AreNotEqual(cut.ArtifactSha256, again.ArtifactSha256);

        OptimizationRequest locked = Request(request => request.Locked = LockedChoice.Of(LockEntry.Of(request, cut), request));
        OptimizationResult replayed = Workplace.Run(locked);
        Assert.IsTrue(replayed.FromCache);
        Assert.AreEqual(cut.ArtifactSha256, replayed.ArtifactSha256);
        Assert.IsNotNull(CachedResult.TryRestore(new ArtifactStore(place.Cache), locked));
    }

    [TestMethod]
    public void What_was_done_when_the_time_was_up_counts()
    {
        using SearchClock clock = SearchClock.Start(AtOnce, CancellationToken.None);
        using SearchUnderTest scene = new(place, clock, prunes: false, request => request.Settings.Objective = Objective.Size, Harmless("first"), Harmless("second"));

        Assert.AreEqual("first", NamesOf(scene.Run()));
        Assert.IsTrue(scene.Search.IsCutShort);
    }

    [TestMethod]
    public void A_trial_that_the_time_ends_leaves_the_best_so_far()
    {
        using SearchClock clock = SearchClock.Start(0.2, CancellationToken.None);
        using SearchUnderTest scene = new(place, clock, prunes: false, request => request.Settings.Objective = Objective.Size, Harmless("first"), new Recipe("slow", [new EndlessPass(clock.Token)]), Harmless("last"));

        Assert.AreEqual("first", NamesOf(scene.Run()));
        Assert.IsTrue(scene.Search.IsCutShort);
    }

    [TestMethod]
    public void A_build_that_is_cancelled_ends_without_a_result()
    {
        using CancellationTokenSource build = new();

        Assert.ThrowsExactly<OperationCanceledException>(() => Workplace.Run(
            Request(request => request.Settings.Pruning = Pruning.Auto),
            progress =>
            {
                if (progress.Stage == "static int8 quantization")
                {
                    build.Cancel();
                }
            },
            build.Token));

        Assert.IsEmpty(Directory.GetFiles(place["obj"]));
    }

    private static Recipe Harmless(string name) => new(name, [EditingPass.Harmless(name)]);

    /// <summary>A pass that takes as long as it may.</summary>
    private sealed class EndlessPass(CancellationToken cancellation) : IModelPass
    {
        public string Name => "endless";

        public PassOutcome Apply(Model model, PassContext context)
        {
            cancellation.WaitHandle.WaitOne();
            throw new OperationCanceledException(cancellation);
        }
    }
}
