using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What the lock file has is made again without a search.</summary>
[TestClass]
public sealed class ReplayTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.WideMlp());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void A_lesser_recipe_that_is_locked_is_taken_though_a_better_one_would_do()
    {
        OptimizationResult plain = Workplace.Run(Auto(request => request.Settings.Quantization = Quantization.None));
        OptimizationResult free = Workplace.Run(Auto());
        Assert.AreNotEqual(plain.ArtifactSha256, free.ArtifactSha256, "This tests nothing.");

        OptimizationResult locked = Workplace.Run(Auto(request => request.Locked = Choice(request, new PinnedRecipe { Quantization = Quantization.None })));

        Assert.AreEqual(plain.ArtifactSha256, locked.ArtifactSha256);
        Assert.IsFalse(locked.FromCache);
        Assert.IsNull(locked.Search);
        Assert.DoesNotContain("MBT1003", locked.Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [TestMethod]
    public void A_recipe_that_is_locked_gives_the_same_bytes_without_a_search()
    {
        OptimizationResult free = Workplace.Run(Auto());
        List<string> stages = [];

        OptimizationResult locked = Workplace.Run(
            Auto(request =>
            {
                request.Locked = Choice(request, free.Pinned!);
                request.CacheDirectory = place["cold"];
            }),
            progress => stages.AddRange(progress.Share == 0 ? [progress.Stage] : []));

        Assert.IsNotNull(free.Search);
        Assert.IsNull(locked.Search);
        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
        Assert.IsFalse(locked.FromCache);
        Assert.IsNotNull(locked.AccuracyDrop);
        Assert.IsNotNull(locked.Quantization);
        Assert.AreEqual(1, stages.Count(stage => stage == "static int8 quantization"));
    }

    [TestMethod]
    public void Channels_that_a_search_removed_are_removed_again_to_the_same_bytes()
    {
        OptimizationResult free = Workplace.Run(Auto(request =>
        {
            request.Settings.Pruning = Pruning.Auto;
            request.Budgets.MaxAccuracyDrop = 0.5;
        }));
        Assert.AreEqual(Pruning.Structured, free.Pinned!.Pruning, free.Search!.Decision);

        OptimizationResult locked = Workplace.Run(Auto(request =>
        {
            request.Settings.Pruning = Pruning.Auto;
            request.Budgets.MaxAccuracyDrop = 0.5;
            request.Locked = Choice(request, free.Pinned!);
            request.CacheDirectory = place["cold"];
        }));

        Assert.IsNull(locked.Search);
        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
        Assert.AreEqual(free.Optimized!.Multiplications, locked.Optimized!.Multiplications);
    }

    [TestMethod]
    public void An_update_tries_what_is_locked_first()
    {
        OptimizationResult updated = Workplace.Run(Auto(request => request.Start = new PinnedRecipe { Quantization = Quantization.Static, Calibration = Calibration.MinMax }));

        Assert.AreEqual("the lock file has it", updated.Search!.Trials[0].Reason);
        Assert.AreEqual("static int8", updated.Search.Trials[0].Name);
    }

    [TestMethod]
    public void A_source_that_is_locked_as_it_is_passes_through()
    {
        OptimizationResult locked = Workplace.Run(Auto(request => request.Locked = Choice(request, new PinnedRecipe { IsSource = true })));

        Assert.AreEqual(ContentDigest.OfFile(place.ModelPath), locked.ArtifactSha256);
    }

    [TestMethod]
    public void A_budget_judges_what_is_locked_and_does_not_choose()
    {
        OptimizationResult free = Workplace.Run(Auto());

        OptimizationResult locked = Workplace.Run(Auto(request =>
        {
            request.Locked = Choice(request, free.Pinned!);
            request.Budgets.MaxSizeBytes = 10;
        }));

        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
        StringAssert.Contains(locked.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT2004").Message, "-t:UpdateModelLock searches for one that keeps the budgets");
        Assert.DoesNotContain("MBT2009", locked.Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [TestMethod]
    public void What_can_not_be_made_any_more_leaves_the_search_free()
    {
        OptimizationResult locked = Workplace.Run(Auto(request =>
        {
            request.CalibrationData = null;
            request.Locked = Choice(request, new PinnedRecipe { Quantization = Quantization.Static });
        }));

        Assert.IsTrue(locked.Succeeded);
        Assert.IsNotNull(locked.Search);
    }

    [TestMethod]
    public void A_source_that_does_not_fit_the_release_leaves_the_search_free_too()
    {
        // Folded, the constant's Gelu is gone, which the release does not have.
        Model model = Model.Create("g", 20, 9);
        Value constant = model.Graph.Add("Gelu", model.Graph.AddInitializer("c", Tensor.Vector(1f, 2f, 3f, 4f)));
        model.Graph.AddOutput(model.Graph.Add("Add", model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4)), constant));
        using Workplace other = Workplace.With(model);
        OptimizationResult locked = Workplace.Run(other.Request(request =>
        {
            request.Runtime = new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = "1.16.3" };
            request.Locked = Choice(request, new PinnedRecipe { IsSource = true });
        }));

        Assert.IsTrue(locked.Succeeded, string.Join("\n", locked.Diagnostics));
        Assert.AreEqual(19, Model.Load(other.OutputPath).Opset);
    }

    [TestMethod]
    public void What_a_build_made_that_wrote_the_lock_file_comes_from_the_cache()
    {
        OptimizationResult free = Workplace.Run(Auto());

        OptimizationResult locked = Workplace.Run(Auto(request => request.Locked = LockedChoice.Of(LockEntry.Of(request, free), request)));

        Assert.IsTrue(locked.FromCache);
        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
    }

    [TestMethod]
    public void Files_of_trials_have_names_that_builds_clear_away_after_a_killed_worker_and_none_is_left()
    {
        HashSet<string> seen = [];

        Workplace.Run(Auto(), _ => seen.UnionWith(Directory.CreateDirectory(place["obj"]).GetFiles().Select(file => file.FullName)));

        // As OptimizeModels knows them.
        Assert.IsEmpty(seen.Where(file => file != place.OutputPath && Path.GetExtension(file) is not (".staged" or ".ort" or ".tmp")));
        CollectionAssert.AreEqual(new[] { "model.cpu.onnx" }, Directory.GetFiles(place["obj"]).Select(Path.GetFileName).ToArray());
    }

    private static LockedChoice Choice(OptimizationRequest request, PinnedRecipe recipe)
    {
        OptimizationResult result = new() { Succeeded = true, ArtifactSha256 = new string('0', 64), Optimized = new ModelFigures { Bytes = 17 }, Pinned = recipe };
        return LockedChoice.Of(LockEntry.Of(request, result), request)!;
    }

    private OptimizationRequest Auto(Action<OptimizationRequest>? change = null) => place.Request(request =>
    {
        request.CalibrationData = place.WriteData("calibration", count: 64, seed: 3, labelled: false);
        request.EvaluationData = place.WriteData("evaluation", count: 400);
        change?.Invoke(request);
    });
}
