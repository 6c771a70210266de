using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What a search trains where nothing keeps the budgets without.</summary>
[TestClass]
public sealed class TrainedSearchTests : TrainingScene
{
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
    public void A_student_that_loses_too_much_by_itself_is_trained_before_its_numbers_are_chosen()
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        SmallModels.Mlp().Save(place["student.onnx"]);
        OptimizationResult result = Run(Request(request => (request.Settings.FineTune, request.Student, request.Budgets.MaxAccuracyDrop) = (FineTune.Auto, place["student.onnx"], 0.01)));

        Assert.AreEqual("distill", trained.Single().Technique);
        Assert.IsTrue(result.Search!.Trials.Any(trial => trial.Name.EndsWith("static int8 with training", StringComparison.Ordinal)), string.Join(", ", result.Search.Trials.Select(trial => trial.Name)));
    }

    [TestMethod]
    public void Where_the_model_itself_ships_its_student_was_not_applied()
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        SmallModels.Mlp().Save(place["student.onnx"]);
        OptimizationResult result = Run(Request(request => (request.Settings.FineTune, request.Student, request.Budgets.MaxAccuracyDrop) = (FineTune.Auto, place["student.onnx"], 0.01)));

        Assert.IsFalse(result.Recipe.Single(step => step.Name == "student").Applied);
    }

    [TestMethod]
    public void What_is_pruned_by_name_and_loses_too_much_is_trained_before_its_numbers_are_chosen()
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        OptimizationResult result = Run(Request(request =>
            (request.Settings.FineTune, request.Settings.Pruning, request.Settings.Sparsity, request.Budgets.MaxAccuracyDrop) = (FineTune.Auto, Pruning.Magnitude, 0.9, 0)));

        Assert.AreEqual("distill", trained.Single().Technique);
        Assert.IsTrue(result.Search!.Trials.Any(trial => trial.Name.EndsWith("with training", StringComparison.Ordinal)), string.Join(", ", result.Search.Trials.Select(trial => trial.Name)));
    }

    [TestMethod]
    public void A_search_that_starts_from_a_lock_makes_what_was_trained_for_it()
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        void Change(OptimizationRequest request) =>
            (request.Settings.FineTune, request.Settings.Pruning, request.Settings.Sparsity, request.Budgets.MaxAccuracyDrop) = (FineTune.Auto, Pruning.Magnitude, 0.9, 0);
        OptimizationPipeline learns = Pipeline(new TrainingMethods(task => new EditingPass("distill", model => model.Restore(task.Teacher.TakeSnapshot())), (_, _) => throw new InvalidOperationException()));
        OptimizationResult first = learns.Run(Request(Change), CancellationToken.None);

        OptimizationResult second = learns.Run(Request(request =>
        {
            Change(request);
            request.Start = first.Pinned;
        }), CancellationToken.None);

        Assert.AreEqual(FineTune.Distill, first.Pinned!.FineTune);
        Assert.AreEqual(FineTune.Distill, second.Pinned!.FineTune);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
    }

    [TestMethod]
    public void Named_numbers_are_searched_for_what_may_be_removed_with_training()
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        OptimizationResult result = Run(Request(request =>
        {
            (request.Settings.FineTune, request.Settings.Pruning, request.Settings.Precision) = (FineTune.Auto, Pruning.Auto, Precision.Float32);
            (request.Budgets.MaxAccuracyDrop, request.Budgets.MaxSizeRatio) = (0, 0.5);
        }));

        Assert.AreEqual("distill", trained.Single().Technique);
        Assert.IsTrue(result.Search!.Trials.Any(trial => trial.Name.EndsWith("float32 with training", StringComparison.Ordinal)), string.Join(", ", result.Search.Trials.Select(trial => trial.Name)));
    }

    [TestMethod]
    public void No_more_channels_go_than_a_budget_of_bytes_takes()
    {
        // Its bytes fall faster than its time.
        using Workplace sample = Workplace.With(Model.Load(Repository.File("samples/MeterReader/Models/digits.onnx")));
        OptimizationRequest request = sample.Request(request =>
        {
            (request.CalibrationData, request.EvaluationData) = (Repository.File("samples/MeterReader/Data/calibration"), Repository.File("samples/MeterReader/Data/evaluation"));
            (request.Settings.FineTune, request.Settings.Pruning, request.Settings.Precision) = (FineTune.Auto, Pruning.Auto, Precision.Float32);
            (request.Budgets.MaxAccuracyDrop, request.Budgets.MaxSizeRatio) = (0.005, 0.3);
        });

        SearchTrial made = Run(request).Search!.Trials.Single(trial => trial.Name.EndsWith("with training", StringComparison.Ordinal));

        Assert.IsGreaterThan(0.25 * new FileInfo(sample.ModelPath).Length, made.Bytes!.Value);
    }

    [TestMethod]
    public void A_form_that_keeps_the_budget_of_size_in_integers_alone_is_pruned_as_far_and_trained()
    {
        SmallModels.WideMlp().Save(place.ModelPath);
        OptimizationResult result = Run(Request(request => (request.Settings.FineTune, request.Settings.Pruning, request.Budgets.MaxAccuracyDrop, request.Budgets.MaxSizeRatio) = (FineTune.Auto, Pruning.Auto, 0, 0.2)));

        SearchTrial[] made = [.. result.Search!.Trials.Where(trial => trial.Name.EndsWith("with training", StringComparison.Ordinal))];
        Assert.Contains("dynamic int8 with training", string.Join("\n", made.Select(trial => trial.Name)));
        Assert.Contains("distill", trained.Select(lesson => lesson.Technique));
        Assert.IsEmpty(made.Where(trial => trial.Bytes > 0.2 * new FileInfo(place.ModelPath).Length), "what breaks the budget of size is not trained");
    }

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
}
