using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What is kept of training: in the cache, in the project's folder, and by its hash in the lock file.</summary>
[TestClass]
public sealed class KeptTrainingTests : TrainingScene
{
    [TestMethod]
    public void What_was_trained_is_not_trained_again_for_another_budget()
    {
        Run(Pruned());
        Run(Pruned(request => request.Budgets.MaxAccuracyDrop = 0.5));
        Run(Pruned(request => request.Budgets.MaxSizeBytes = 10));

        Assert.HasCount(1, trained);
    }

    [TestMethod]
    public void What_was_trained_for_one_target_serves_the_others()
    {
        Run(Pruned());
        OptimizationResult other = Run(Pruned(request => request.Target = "cpu-arm64"));

        Assert.HasCount(1, trained);
        Assert.HasCount(1, other.Pinned!.TrainedWeights);
    }

    [TestMethod]
    public void A_build_that_was_interrupted_behind_training_does_not_train_again()
    {
        using CancellationTokenSource interrupted = new();
        Assert.Throws<OperationCanceledException>(() => Run(Pruned(), progress =>
        {
            if (trained.Count > 0 && progress.Stage is not "distillation")
            {
                interrupted.Cancel();
            }
        }, interrupted.Token));

        Run(Pruned());

        Assert.HasCount(1, trained);
    }

    [TestMethod]
    public void Locked_weights_come_from_the_projects_folder_without_training()
    {
        OptimizationResult first = Run(Pruned(request => request.TrainedWeightsDirectory = place["trained"]));
        string file = Directory.GetFiles(place["trained"]).Single();
        lesson = "of another processor";

        OptimizationResult second = Run(Locked(first, request => request.TrainedWeightsDirectory = place["trained"]));

        Assert.AreEqual($"model.cpu.{first.Pinned!.TrainedWeights[0][..16]}.onnx", Path.GetFileName(file));
        Assert.HasCount(1, trained);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
        CollectionAssert.AreEqual(first.Pinned.TrainedWeights.ToArray(), second.Pinned!.TrainedWeights.ToArray());
    }

    [TestMethod]
    public void Locked_weights_come_from_the_cache_without_training()
    {
        OptimizationResult first = Run(Pruned());

        OptimizationResult second = Run(Locked(first, request =>
        {
            request.CacheDirectory = place.Cache;
            // Another request of the same weights, so that its artifact is not there.
            request.Measurement = Measurement.Auto;
        }));

        Assert.HasCount(1, trained);
        CollectionAssert.AreEqual(first.Pinned!.TrainedWeights.ToArray(), second.Pinned!.TrainedWeights.ToArray());
        StringAssert.Contains(second.Recipe.Single(step => step.Name == "distillation").Explanation, "lie in the cache");
    }

    [TestMethod]
    public void Locked_weights_that_nobody_kept_are_trained_again_and_it_is_said_if_they_differ()
    {
        OptimizationResult first = Run(Pruned());
        lesson = "of another processor";

        OptimizationResult second = Run(Locked(first));

        Assert.HasCount(2, trained);
        Assert.AreNotEqual(first.Pinned!.TrainedWeights[0], second.Pinned!.TrainedWeights[0]);
        StringAssert.Contains(second.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1024").Message, first.Pinned.TrainedWeights[0]);
    }

    [TestMethod]
    public void Locked_weights_that_training_gives_again_are_no_news()
    {
        OptimizationResult first = Run(Pruned());

        OptimizationResult second = Run(Locked(first));

        Assert.HasCount(2, trained);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
        Assert.DoesNotContain("MBT1024", second.Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [TestMethod]
    public void Where_training_brought_nothing_when_it_was_locked_it_is_not_tried_again()
    {
        TrainingMethods useless = new(_ => new RefusingPass("distillation", "nothing came of it"), (_, _) => throw new NotSupportedException());
        OptimizationResult first = Pipeline(useless).Run(Pruned(), CancellationToken.None);

        OptimizationResult second = Run(Locked(first));

        Assert.IsEmpty(trained);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
    }

    [TestMethod]
    public void What_was_trained_for_want_of_locked_weights_stands_in_until_they_are_there()
    {
        OptimizationResult first = Run(Pruned(request => request.TrainedWeightsDirectory = place["trained"]));
        lesson = "of another processor";
        Run(Locked(first));

        OptimizationResult without = Run(Locked(first));
        OptimizationResult with = Run(Locked(first, request => request.TrainedWeightsDirectory = place["trained"]));

        Assert.HasCount(2, trained);
        Assert.AreNotEqual(first.ArtifactSha256, without.ArtifactSha256);
        Assert.AreEqual(first.ArtifactSha256, with.ArtifactSha256);
        Assert.DoesNotContain("MBT1024", with.Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [TestMethod]
    public void Another_lock_fails_a_locked_build()
    {
        OptimizationRequest request = Pruned();
        OptimizationResult first = Run(request);
        lesson = "of another processor";
        OptimizationRequest again = Locked(first);
        OptimizationResult second = Run(again);

        string[] differences = [.. LockComparison.Differences(LockEntry.Of(request, first), LockEntry.Of(again, second))];

        StringAssert.Contains(differences.Single(), "made by another recipe");
    }

    [TestMethod]
    [DataRow("cut")]
    [DataRow("other")]
    public void A_file_that_holds_something_else_is_an_error_that_says_what_to_do(string damage)
    {
        OptimizationResult first = Run(Pruned(request => request.TrainedWeightsDirectory = place["trained"]));
        string file = Directory.GetFiles(place["trained"]).Single();
        File.WriteAllBytes(file, damage == "cut" ? File.ReadAllBytes(file)[..100] : SmallModels.Mlp(width: 8).ToBytes());

        Diagnostic diagnostic = place.Fails("MBT4020", Locked(first, request => request.TrainedWeightsDirectory = place["trained"]));

        StringAssert.Contains(diagnostic.Message, file);
        StringAssert.Contains(diagnostic.Message, "or delete it");
    }

    [TestMethod]
    [DataRow("text")]
    [DataRow("model")]
    public void A_lock_that_pins_what_is_no_form_of_the_model_does_not_get_it_in(string content)
    {
        byte[] bytes = content == "text" ? "<<<<<<< ours"u8.ToArray() : SmallModels.Cnn().ToBytes();
        OptimizationResult first = Run(Pruned());
        string sha256 = Contracts.Caching.ContentHash.Of(bytes);
        first.Pinned!.TrainedWeights = [sha256];
        Directory.CreateDirectory(place["trained"]);
        File.WriteAllBytes(Contracts.Caching.TrainedFiles.PathOf(place["trained"], "model", "cpu", sha256), bytes);

        place.Fails("MBT4020", Locked(first, request => request.TrainedWeightsDirectory = place["trained"]));
    }

    [TestMethod]
    public void A_folder_that_is_named_later_gets_what_the_cache_has()
    {
        Run(Pruned());
        OptimizationResult second = Run(Pruned(request => request.TrainedWeightsDirectory = place["trained"]));

        Assert.IsTrue(second.FromCache);
        Assert.HasCount(1, Directory.GetFiles(place["trained"]));
    }

    [TestMethod]
    public void A_folder_that_can_not_be_written_is_told_by_its_path()
    {
        File.WriteAllText(place["trained"], "no folder");

        OptimizationResult result = Pipeline(Methods(_ => { })).Run(Pruned(request => request.TrainedWeightsDirectory = place["trained"]), CancellationToken.None);

        StringAssert.Contains(result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT3003").Message, $"'{place["trained"]}' can't be written");
    }

    [TestMethod]
    public void More_time_trains_anew()
    {
        Run(Pruned(request => request.TimeoutSeconds = 100));
        Run(Pruned(request => request.TimeoutSeconds = 200));

        Assert.HasCount(2, trained);
    }

    [TestMethod]
    public void A_checkpoint_outlives_a_killed_training()
    {
        List<string> paths = [];
        using CancellationTokenSource ended = new();
        TrainingMethods killed = Methods(task =>
        {
            File.WriteAllText(task.CheckpointPath!, "half way");
            paths.Add(task.CheckpointPath!);
            ended.Cancel();
            ended.Token.ThrowIfCancellationRequested();
        });
        Assert.Throws<OperationCanceledException>(() => Pipeline(killed).Run(Pruned(), ended.Token));
        Assert.AreEqual("half way", File.ReadAllText(paths[0]));

        Run(Pruned());

        Assert.AreEqual(paths[0], trained.Single().Task.CheckpointPath);
    }

    /// <summary>The same request on another machine, with a lock file that has what came of it.</summary>
    private OptimizationRequest Locked(OptimizationResult made, Action<OptimizationRequest>? change = null) => Pruned(request =>
    {
        request.CacheDirectory = place["elsewhere"];
        request.Locked = LockedChoice.Of(LockEntry.Of(request, made), request)!;
        change?.Invoke(request);
    });
}
