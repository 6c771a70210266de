using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What a request to train becomes: which passes, with what, and how long.</summary>
[TestClass]
public sealed class FineTuningTests : TrainingScene
{
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
    [DataRow(Precision.Int8)]
    [DataRow(Precision.Int4)]
    public void What_is_trained_is_what_ships_without_training(Precision precision)
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        string[] untrained = IntegersOf(FineTune.None);
        string[] before = IntegersOf(FineTune.QuantizationAware);

        Assert.HasCount(1, trained);
        CollectionAssert.AreEqual(untrained, before);

        // The pass that stands for training changes no weight.
        string[] IntegersOf(FineTune fineTune)
        {
            Run(Request(request => (request.Settings.Precision, request.Settings.Quantization, request.Settings.FineTune) = (precision, Quantization.Static, fineTune)));
            return [.. Model.Load(place.OutputPath).Graph.Initializers.Select(value => $"{value.Name} {Convert.ToHexString(value.Initializer!.Data.Span)}").Order()];
        }
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
    public void Training_that_finds_nothing_to_follow_is_a_finding()
    {
        // Without calibration data nothing is quantized statically.
        OptimizationResult result = Run(Request(request => (request.Settings.FineTune, request.TrainingData, request.CalibrationData) = (FineTune.Distill, request.CalibrationData, null)));

        Assert.IsEmpty(trained);
        StringAssert.Contains(result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1006").Message, "training did not apply");
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

    private static string[] Plan(OptimizationResult result) => [.. result.Recipe.Where(step => step.Applied).Select(step => step.Name)];

    private string Save(string name, Model model)
    {
        model.Save(place[name]);
        return place[name];
    }

    private OptimizationRequest With(string metadata, string path) => Pruned(request => (metadata == nameof(request.Teacher) ? (Action)(() => request.Teacher = path) : () => request.Student = path)());

    private OptimizationRequest Automatic(double maxDrop, Action<OptimizationRequest>? change = null) => Pruned(request =>
    {
        (request.Settings.FineTune, request.Settings.Sparsity, request.Budgets.MaxAccuracyDrop) = (FineTune.Auto, 0.9, maxDrop);
        change?.Invoke(request);
    });
}
