using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What the lock file has is made again, whatever a free search would prefer.</summary>
[TestClass]
public sealed class LockedFormTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.WideMlp());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void A_lesser_recipe_that_is_locked_is_taken_though_a_better_one_would_do()
    {
        OptimizationResult plain = Workplace.Run(Auto(request => request.Settings.Precision = Precision.Float32));
        OptimizationResult free = Workplace.Run(Auto());
        Assert.AreNotEqual(plain.ArtifactSha256, free.ArtifactSha256, "This tests nothing.");

        OptimizationResult locked = Workplace.Run(Auto(request => request.Locked = Choice(request, plain)));

        Assert.AreEqual(plain.ArtifactSha256, locked.ArtifactSha256);
        Assert.IsFalse(locked.FromCache);
        Assert.DoesNotContain("MBT1003", locked.Diagnostics.Select(diagnostic => diagnostic.Code));
        RecipeStep quantization = locked.Recipe.Single(step => step.Name == "static int8 quantization");
        Assert.IsFalse(quantization.Applied);
        StringAssert.EndsWith(quantization.Explanation, "Given up: the lock file has another form.");
    }

    [TestMethod]
    public void A_recipe_that_is_locked_is_taken()
    {
        OptimizationResult free = Workplace.Run(Auto());

        OptimizationResult locked = Workplace.Run(Auto(request =>
        {
            request.Locked = Choice(request, free);
            request.CacheDirectory = place["cold"];
        }));

        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
        Assert.IsFalse(locked.FromCache);
        Assert.IsNotNull(locked.AccuracyDrop);
        Assert.IsNotNull(locked.Quantization);
    }

    [TestMethod]
    public void A_source_that_is_locked_as_it_is_passes_through()
    {
        File.WriteAllBytes(place["copy"], File.ReadAllBytes(place.ModelPath));
        OptimizationResult source = new() { Succeeded = true, ArtifactSha256 = ContentDigest.OfFile(place["copy"]), Optimized = new ModelFigures { Bytes = new FileInfo(place["copy"]).Length } };

        OptimizationResult locked = Workplace.Run(Auto(request => request.Locked = Choice(request, source)));

        Assert.AreEqual(source.ArtifactSha256, locked.ArtifactSha256);
    }

    [TestMethod]
    public void The_same_steps_with_other_roundings_are_taken_where_the_very_bytes_do_not_come_up()
    {
        OptimizationResult plain = Workplace.Run(Auto(request => request.Settings.Precision = Precision.Float32));
        string bytes = plain.ArtifactSha256!;
        plain.ArtifactSha256 = new string('0', 64);

        OptimizationResult locked = Workplace.Run(Auto(request => request.Locked = Choice(request, plain)));

        Assert.AreEqual(bytes, locked.ArtifactSha256);
    }

    [TestMethod]
    public void One_search_finds_the_very_bytes_or_their_like()
    {
        List<string> free = [], alike = [];
        OptimizationResult result = Workplace.Run(Auto(), Stages(free));
        (string bytes, result.ArtifactSha256) = (result.ArtifactSha256!, new string('0', 64));

        OptimizationResult locked = Workplace.Run(Auto(request => request.Locked = Choice(request, result)), Stages(alike));

        Assert.AreEqual(bytes, locked.ArtifactSha256);
        Assert.AreEqual(free.Count(stage => stage == "simplification"), alike.Count(stage => stage == "simplification"));
        Assert.IsTrue(locked.Recipe.Single(step => step.Name == "static int8 quantization").Applied, "What came after it is no part of it.");
        CollectionAssert.AreEqual(new[] { "model.cpu.onnx" }, Directory.GetFiles(Path.GetDirectoryName(place.OutputPath)!).Select(Path.GetFileName).ToArray());

        static Action<PipelineProgress> Stages(List<string> stages) => progress => stages.AddRange(progress.Share == 0 ? [progress.Stage] : []);
    }

    [TestMethod]
    public void What_is_kept_has_a_name_that_builds_clear_away_after_a_killed_worker()
    {
        HashSet<string> seen = [];
        OptimizationResult result = Workplace.Run(Auto());
        result.ArtifactSha256 = new string('0', 64);

        Workplace.Run(Auto(request => request.Locked = Choice(request, result)), _ => seen.UnionWith(Directory.GetFiles(place["obj"])));

        Assert.Contains(file => file.Contains("alike", StringComparison.Ordinal), seen);
        // As OptimizeModels knows them.
        Assert.IsEmpty(seen.Where(file => file != place.OutputPath && Path.GetExtension(file) is not (".staged" or ".ort" or ".tmp")));
    }

    [TestMethod]
    [DataRow("first", "first")]
    [DataRow("third", "third")]
    [DataRow(null, "first")]
    public void The_very_bytes_are_taken_though_their_like_comes_up_before_them(string? locked, string expected)
    {
        Outcome made = Search(Recipes(locked ?? "first"));
        OptimizationResult result = new() { Succeeded = true, ArtifactSha256 = locked is null ? new string('0', 64) : made.ArtifactSha256, Optimized = new ModelFigures { Bytes = made.ArtifactBytes } };
        result.Recipe.Add(new RecipeStep { Name = "edit", Applied = true });

        Outcome outcome = Search(Recipes("first", "other", "third"), result);

        Assert.AreEqual(expected, Model.Load(place["artifact.onnx"]).Metadata["value"]);
        Assert.AreEqual(ContentDigest.OfFile(place["artifact.onnx"]), outcome.ArtifactSha256);
        Assert.HasCount(1, outcome.Plan.ToArray());
    }

    [TestMethod]
    public void What_can_not_be_made_any_more_leaves_the_search_free()
    {
        OptimizationResult free = Workplace.Run(Auto());
        OptimizationResult unknown = new() { Succeeded = true, ArtifactSha256 = new string('0', 64), Optimized = new ModelFigures { Bytes = 17 } };

        OptimizationResult locked = Workplace.Run(Auto(request => request.Locked = Choice(request, unknown)));

        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
        CollectionAssert.AreEqual(free.Recipe.Select(step => (step.Name, step.Applied)).ToArray(), locked.Recipe.Select(step => (step.Name, step.Applied)).ToArray());
    }

    [TestMethod]
    public void A_source_that_does_not_fit_the_release_leaves_the_search_free_too()
    {
        // Folded, the constant's Gelu is gone, which the release does not have.
        Model model = Model.Create("g", 20, 9);
        Value constant = model.Graph.Add("Gelu", model.Graph.AddInitializer("c", Tensor.Vector(1f, 2f, 3f, 4f)));
        model.Graph.AddOutput(model.Graph.Add("Add", model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4)), constant));
        using Workplace other = Workplace.With(model);
        OptimizationResult unknown = new() { Succeeded = true, ArtifactSha256 = new string('0', 64), Optimized = new ModelFigures { Bytes = 17 } };

        OptimizationResult locked = Workplace.Run(other.Request(request =>
        {
            request.Runtime = new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = "1.16.3" };
            request.Locked = Choice(request, unknown);
        }));

        Assert.IsTrue(locked.Succeeded, string.Join("\n", locked.Diagnostics));
        Assert.AreEqual(19, Model.Load(other.OutputPath).Opset);
    }

    [TestMethod]
    public void What_a_build_made_that_wrote_the_lock_file_comes_from_the_cache()
    {
        OptimizationResult free = Workplace.Run(Auto());

        OptimizationResult locked = Workplace.Run(Auto(request => request.Locked = Choice(request, free)));

        Assert.IsTrue(locked.FromCache);
        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
    }

    [TestMethod]
    public void A_compressed_artifact_is_known_by_its_steps_and_size()
    {
        OptimizationResult free = Workplace.Run(Auto(request => request.Compress = true));

        OptimizationResult locked = Workplace.Run(Auto(request =>
        {
            request.Compress = true;
            request.Locked = Choice(request, free);
            request.CacheDirectory = place["cold"];
        }));

        Assert.AreEqual(free.ArtifactSha256, locked.ArtifactSha256);
    }

    private static LockedChoice Choice(OptimizationRequest request, OptimizationResult result) => LockedChoice.Of(LockEntry.Of(request, result), request)!;

    /// <summary>Recipes that do the same by the names of their steps, to artifacts of the same size.</summary>
    private static RecipeList Recipes(params string[] values) =>
        new([], [.. values.Select(value => new Recipe(value, [new EditingPass("edit", model => model.Metadata["value"] = value)]))], IsChosenByUser: true);

    private Outcome Search(RecipeList recipes, OptimizationResult? locked = null)
    {
        OptimizationRequest request = place.Request(request => request.Locked = locked is null ? null : Choice(request, locked));
        using SourceModel source = SourceModel.Load(place.ModelPath);
        using ShippedForm shipped = new(request, place["artifact.onnx"]);
        return LockedForm.Search(request, shipped, wanted =>
            new CandidateSearch(request, source, TargetProfiles.Cpu, null, null, new Progress<PipelineProgress>(), CancellationToken.None, wanted).Run(recipes, shipped));
    }

    private OptimizationRequest Auto(Action<OptimizationRequest>? change = null) => place.Request(request =>
    {
        request.CalibrationData = place.WriteData("calibration", count: 64, seed: 3, labelled: false);
        request.EvaluationData = place.WriteData("evaluation", count: 400);
        change?.Invoke(request);
    });
}
