using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What a request to train becomes: which passes, with what, how long, and what of it is kept. Training itself is stood in for: it writes into the model which lesson it was.</summary>
[TestClass]
public sealed class FineTuningTests : IDisposable
{
    private const string Lesson = "lesson";

    private readonly Workplace place = Workplace.With(SmallModels.Mlp());
    private readonly List<(string Technique, TrainingTask Task)> trained = [];

    /// <summary>What training ends in: another processor's arithmetic is another lesson.</summary>
    private string lesson = "first";

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void Distillation_follows_pruning_that_is_named()
    {
        OptimizationResult result = Run(Pruned());

        CollectionAssert.AreEqual(new[] { "structured pruning", "distillation" }, Plan(result).Where(name => name != "simplification").ToArray());
        Assert.AreEqual("distill", trained.Single().Technique);
        Assert.HasCount(1, result.Pinned!.TrainedWeights);
    }

    [TestMethod]
    public void Quantization_aware_training_follows_static_quantization()
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        OptimizationResult result = Run(Request(request => request.Settings.FineTune = FineTune.QuantizationAware));

        CollectionAssert.AreEqual(new[] { "static int8 quantization", "quantization-aware training" }, Plan(result)[^2..]);
        Assert.AreEqual("quantized", trained.Single().Technique);
        Assert.HasCount(1, result.Pinned!.TrainedWeights);
    }

    [TestMethod]
    public void Distillation_of_a_model_that_is_only_quantized_keeps_its_scales()
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        Run(Request(request => (request.Settings.FineTune, request.Settings.Quantization) = (FineTune.Distill, Quantization.Static)));

        Assert.AreEqual("quantized, scales fixed", trained.Single().Technique);
    }

    [TestMethod]
    public void Nothing_is_trained_where_nothing_was_pruned()
    {
        OptimizationResult result = Run(Pruned(request => request.Settings.PruningExclude = ["*"]));

        Assert.IsEmpty(trained);
        Assert.AreEqual("MBT1006", result.Diagnostics.First(diagnostic => diagnostic.Code == "MBT1006").Code);
        Assert.IsEmpty(result.Pinned!.TrainedWeights);
    }

    [TestMethod]
    public void The_training_data_and_the_rounds_are_the_projects()
    {
        string data = place.WriteData("training", count: 32, seed: 9, labelled: false);
        Run(Pruned(request => (request.TrainingData, request.Settings.FineTuneEpochs) = (data, 3)));

        Assert.AreEqual(32, trained.Single().Task.Data.Count);
        Assert.AreEqual(3, trained.Single().Task.Epochs);
    }

    [TestMethod]
    public void Without_training_data_the_calibration_data_serves()
    {
        Run(Pruned());

        Assert.AreEqual(64, trained.Single().Task.Data.Count);
        Assert.IsNull(trained.Single().Task.Epochs);
    }

    [TestMethod]
    public void Samples_that_were_learned_from_judge_nothing_without_a_warning()
    {
        OptimizationResult result = Run(Pruned(request => request.TrainingData = request.EvaluationData));

        StringAssert.Contains(result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1018").Message, "EvaluationData holds the very samples that TrainingData holds");
    }

    [TestMethod]
    public void Training_data_that_is_missing_is_said_by_its_metadata() =>
        StringAssert.Contains(place.Fails("MBT0005", Pruned(request => request.TrainingData = place["nowhere"])).Message, "TrainingData=");

    [TestMethod]
    public void A_student_is_optimized_and_trained_and_the_model_judges_it()
    {
        string student = Save("student.onnx", SmallModels.Mlp(width: 8));
        OptimizationResult result = Run(Request(request => (request.Settings.FineTune, request.Settings.Precision, request.Student) = (FineTune.Distill, Precision.Float32, student)));

        CollectionAssert.AreEqual(new[] { "student", "distillation" }, Plan(result).Where(name => name != "simplification").ToArray());
        Assert.AreEqual(new FileInfo(place.ModelPath).Length, result.Original!.Bytes);
        Assert.IsLessThan(result.Original.Bytes / 10, result.Optimized!.Bytes);
        Assert.AreEqual(1, result.Original.Accuracy);
        Assert.IsGreaterThan(0, result.AccuracyDrop!.Value);
        Assert.AreEqual((64 + 4) * 128, result.Original.Multiplications);
        Assert.AreEqual((64 + 4) * 8, result.Optimized.Multiplications);
    }

    [TestMethod]
    public void A_teacher_takes_the_place_of_the_source()
    {
        Model other = SmallModels.Mlp(seed: 2);
        string teacher = Save("teacher.onnx", other);
        Run(Pruned(request => request.Teacher = teacher));

        Assert.AreEqual(other.Digest(), trained.Single().Task.Teacher.Digest());
    }

    [TestMethod]
    [DataRow(nameof(OptimizationRequest.Teacher))]
    [DataRow(nameof(OptimizationRequest.Student))]
    public void Another_model_with_other_inputs_is_refused(string metadata)
    {
        Diagnostic diagnostic = place.Fails("MBT4019", With(metadata, Save("other.onnx", SmallModels.Cnn())));

        StringAssert.Contains(diagnostic.Message, $"{metadata}=");
        StringAssert.Contains(diagnostic.Message, "its input x: Float[N, 1, 8, 8] is x: Float[N, 64] in the model");
    }

    [TestMethod]
    [DataRow(nameof(OptimizationRequest.Teacher))]
    [DataRow(nameof(OptimizationRequest.Student))]
    public void Another_model_that_is_none_is_told_by_its_own_path(string metadata)
    {
        File.WriteAllText(place["other.onnx"], "no model");

        Assert.AreEqual(place["other.onnx"], place.Fails("MBT4001", With(metadata, place["other.onnx"])).File);
    }

    [TestMethod]
    [DataRow(nameof(OptimizationRequest.Teacher))]
    [DataRow(nameof(OptimizationRequest.Student))]
    public void Another_model_that_is_missing_is_said_by_its_metadata(string metadata) =>
        StringAssert.Contains(place.Fails("MBT0005", With(metadata, place["nowhere.onnx"])).Message, $"{metadata}=");

    [TestMethod]
    public void Auto_does_not_train_what_keeps_the_budgets()
    {
        OptimizationResult result = Run(Automatic(maxDrop: 1));

        Assert.IsEmpty(trained);
        Assert.AreEqual(FineTune.None, result.Pinned!.FineTune);
    }

    [TestMethod]
    public void Auto_trains_what_breaks_a_budget_of_accuracy_and_the_lock_has_it()
    {
        OptimizationResult result = Run(Automatic(maxDrop: 0, request => request.TrainedWeightsDirectory = place["trained"]));
        OptimizationResult again = Run(Automatic(maxDrop: 0, request =>
        {
            (request.TrainedWeightsDirectory, request.CacheDirectory) = (place["trained"], place["elsewhere"]);
            request.Locked = LockedChoice.Of(LockEntry.Of(request, result), request)!;
        }));

        Assert.AreEqual("distill", trained.Single().Technique);
        Assert.AreEqual(FineTune.Distill, result.Pinned!.FineTune);
        Assert.AreEqual(result.ArtifactSha256, again.ArtifactSha256);
        Assert.IsFalse(again.FromCache);
    }

    [TestMethod]
    public void A_search_trains_where_nothing_keeps_the_budgets_without()
    {
        OptimizationResult result = Run(Searched(maxSize: 0.05));

        Assert.IsTrue(result.Search!.Trials.Any(trial => trial.Name == "trained static int8"), string.Join(", ", result.Search.Trials.Select(trial => trial.Name)));
        Assert.Contains("quantized", trained.Select(lesson => lesson.Technique));
    }

    [TestMethod]
    public void A_search_that_finds_something_trains_nothing()
    {
        OptimizationResult result = Run(Searched(maxSize: 2));

        Assert.IsNotNull(result.Search);
        Assert.IsEmpty(trained);
    }

    [TestMethod]
    public void What_was_trained_is_not_trained_again_for_another_budget()
    {
        Run(Pruned());
        Run(Pruned(request => request.Budgets.MaxAccuracyDrop = 0.5));

        Assert.HasCount(2, trained, "The budget steers what is made, so that it is another request.");
        Run(Pruned(request => request.Budgets.MaxSizeBytes = 10));
        Assert.HasCount(2, trained);
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
    public void Training_that_finds_nothing_to_follow_is_a_finding()
    {
        // Without calibration data nothing is quantized statically.
        OptimizationResult result = Run(Request(request => (request.Settings.FineTune, request.TrainingData, request.CalibrationData) = (FineTune.Distill, request.CalibrationData, null)));

        Assert.IsEmpty(trained);
        StringAssert.Contains(result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1006").Message, "training did not apply");
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
    public void Training_gets_what_is_left_of_the_time_and_the_limit_fails_nothing()
    {
        OptimizationResult result = Run(Pruned(request => request.TimeoutSeconds = 0.01));

        Assert.IsTrue(result.Succeeded, string.Join("\n", result.Diagnostics));
        Assert.IsLessThanOrEqualTo(TimeSpan.FromSeconds(1), trained.Single().Task.Limit);
    }

    [TestMethod]
    public void Training_gets_five_minutes_where_none_are_written()
    {
        Run(Pruned());

        Assert.IsLessThanOrEqualTo(TimeSpan.FromMinutes(5), trained.Single().Task.Limit);
        Assert.IsGreaterThan(TimeSpan.FromMinutes(3), trained.Single().Task.Limit);
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

    private static string[] Plan(OptimizationResult result) => [.. result.Recipe.Where(step => step.Applied).Select(step => step.Name)];

    private string Save(string name, Model model)
    {
        model.Save(place[name]);
        return place[name];
    }

    private OptimizationRequest With(string metadata, string path) => Pruned(request => (metadata == nameof(request.Teacher) ? (Action)(() => request.Teacher = path) : () => request.Student = path)());

    private OptimizationRequest Pruned(Action<OptimizationRequest>? change = null) => Request(request =>
    {
        (request.Settings.FineTune, request.Settings.Precision, request.Settings.Pruning, request.Settings.Sparsity) = (FineTune.Distill, Precision.Float32, Pruning.Structured, 0.5);
        change?.Invoke(request);
    });

    private OptimizationRequest Automatic(double maxDrop, Action<OptimizationRequest>? change = null) => Pruned(request =>
    {
        (request.Settings.FineTune, request.Settings.Sparsity, request.Budgets.MaxAccuracyDrop) = (FineTune.Auto, 0.9, maxDrop);
        change?.Invoke(request);
    });

    /// <summary>Samples that ranges are taken from are a hundred times too large, so that little is left of what integers tell apart.</summary>
    private OptimizationRequest Searched(double maxSize)
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        return Request(request =>
        {
            float[] values = [.. Enumerable.Range(0, 64 * 64).Select(i => 100 * MathF.Sin(i))];
            NumpyWriter.Write(place["calibration/x.npy"], [64, 64], values);
            (request.Settings.FineTune, request.Budgets.MaxAccuracyDrop, request.Budgets.MaxSizeRatio) = (FineTune.Auto, 0, maxSize);
        });
    }

    /// <summary>The same request on another machine, with a lock file that has what came of it.</summary>
    private OptimizationRequest Locked(OptimizationResult made, Action<OptimizationRequest>? change = null) => Pruned(request =>
    {
        request.CacheDirectory = place["elsewhere"];
        request.Locked = LockedChoice.Of(LockEntry.Of(request, made), request)!;
        change?.Invoke(request);
    });

    private OptimizationRequest Request(Action<OptimizationRequest> change) => place.Request(request =>
    {
        request.CalibrationData = place.WriteData("calibration", count: 64, seed: 3, labelled: false);
        request.EvaluationData = place.WriteData("evaluation", count: 100);
        change(request);
    });

    private OptimizationResult Run(OptimizationRequest request, Action<PipelineProgress>? watch = null, CancellationToken cancellation = default)
    {
        OptimizationResult result = Pipeline(Methods(_ => { }), watch).Run(request, cancellation);
        Assert.IsTrue(result.Succeeded, string.Join("\n", result.Diagnostics));
        return result;
    }

    private static OptimizationPipeline Pipeline(TrainingMethods methods, Action<PipelineProgress>? watch = null) => new(new Watched(watch), methods: methods);

    private TrainingMethods Methods(Action<TrainingTask> during)
    {
        return new TrainingMethods(task => Pass("distill", task), (task, isFixed) => Pass(isFixed ? "quantized, scales fixed" : "quantized", task));

        EditingPass Pass(string technique, TrainingTask task) => new(technique, model =>
        {
            during(task);
            trained.Add((technique, task));
            model.Metadata[Lesson] = lesson;
        });
    }

    private sealed class Watched(Action<PipelineProgress>? action) : IProgress<PipelineProgress>
    {
        public void Report(PipelineProgress value) => action?.Invoke(value);
    }
}
