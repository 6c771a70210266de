using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>What is tried, and what is taken.</summary>
[TestClass]
public sealed class AutomaticSearchTests : SearchedModel
{
    [TestMethod]
    [DataRow(true, true, true)]
    [DataRow(true, false, false)]
    [DataRow(false, true, false)]
    [DataRow(false, false, false)]
    public void Channels_are_removed_only_where_there_is_data_to_refit_and_other_data_to_judge_by(bool hasCalibration, bool hasEvaluation, bool isPruned)
    {
        OptimizationResult result = Search(request =>
        {
            request.Settings.Pruning = Pruning.Auto;
            request.Budgets.MaxAccuracyDrop = LooseDrop;
            request.CalibrationData = hasCalibration ? request.CalibrationData : null;
            request.EvaluationData = hasEvaluation ? request.EvaluationData : null;
        });

        Assert.AreEqual(isPruned, Names(result).Contains("pruning", StringComparison.Ordinal), Names(result));
        Assert.AreEqual(isPruned ? Pruning.Structured : Pruning.None, result.Pinned!.Pruning);
    }

    [TestMethod]
    public void What_is_removed_must_keep_the_accuracy_with_a_standard_error_to_spare()
    {
        SmallModels.Mlp().Save(place.ModelPath);
        SearchTrial least = Search(Pruned(0.001)).Search!.Trials.Last(trial => trial.Name.StartsWith("structured pruning", StringComparison.Ordinal));
        double limit = least.Drop!.Value * 1.01;

        OptimizationResult result = Search(Pruned(limit));

        SearchTrial again = result.Search!.Trials.Single(trial => trial.Name == least.Name);
        Assert.IsLessThan(limit, again.Drop!.Value);
        StringAssert.Contains(again.Refusal, "with a standard error of");
        Assert.AreEqual(Pruning.None, result.Pinned!.Pruning);

        Action<OptimizationRequest> Pruned(double drop) => request => (request.Settings.Pruning, request.Budgets.MaxAccuracyDrop) = (Pruning.Auto, drop);
    }

    [TestMethod]
    public void Pruning_that_the_project_names_is_obeyed_while_numbers_are_searched_for()
    {
        OptimizationResult result = Search(request => (request.Settings.Pruning, request.Settings.Sparsity) = (Pruning.Structured, 0.5));

        Assert.IsTrue(result.Recipe.Single(step => step.Name == "structured pruning").Applied);
        Assert.IsGreaterThan(0.01, result.AccuracyDrop!.Value);
        Assert.AreEqual("structured pruning + simplification alone", Chosen(result).Name);
    }

    [TestMethod]
    public void Without_data_only_what_loses_nothing_and_weights_alone_are_tried()
    {
        OptimizationResult result = Search(request => (request.CalibrationData, request.EvaluationData, request.Settings.Objective, request.Settings.Pruning) = (null, null, Objective.Size, Pruning.Auto));

        Assert.AreEqual("the model as it is, weight-only int8, weight-only int4, weight-only int2, float16 storage", Names(result));
        Assert.DoesNotContain("weight-only int2", Chosen(result).Name, "It is unlike the original.");
    }

    [TestMethod]
    public void With_calibration_data_alone_likeness_on_its_samples_judges()
    {
        OptimizationResult result = Search(request => (request.EvaluationData, request.Settings.Objective) = (null, Objective.Size));

        Assert.AreEqual(Metric.Cosine, result.AccuracyDrop!.Metric);
        Assert.AreEqual(64, result.AccuracyDrop.Samples);
        StringAssert.Contains(result.Search!.Trials.Single(trial => trial.Name == "weight-only int2").Refusal, "Cosine drops by");
    }

    [TestMethod]
    public void Two_searches_try_the_same_and_make_the_same_bytes()
    {
        OptimizationResult first = Search(Pruned("first cache")), second = Search(Pruned("second cache"));

        Assert.IsFalse(second.FromCache);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
        CollectionAssert.AreEqual(Figures(first), Figures(second));
        Assert.IsGreaterThan(2, first.Search!.Trials.Count);

        Action<OptimizationRequest> Pruned(string cache) => request =>
        {
            (request.Settings.Pruning, request.CacheDirectory) = (Pruning.Auto, place[cache]);
            (request.Budgets.MaxAccuracyDrop, request.Budgets.MaxSizeRatio) = (LooseDrop, 0.05);
        };

        static object[] Figures(OptimizationResult result) =>
            [.. result.Search!.Trials.Select(trial => (trial.Name, trial.Reason, trial.Refusal, trial.IsChosen, trial.IsOnFront, trial.Bytes, trial.Accuracy, trial.Drop, trial.Cosine))];
    }

    [TestMethod]
    public void Where_ranges_leave_much_noise_another_way_that_leaves_less_is_tried()
    {
        AddOutlier();

        SearchTrial[] trials = [.. Search(request => (request.CalibrationData, request.Budgets.MaxAccuracyDrop, request.Settings.Objective) = (place["outlier"], LooseDrop, Objective.Size)).Search!.Trials];

        SearchTrial first = trials.Single(trial => trial.Name == "static int8");
        SearchTrial other = trials.Single(trial => trial.Name.StartsWith("static int8 with ", StringComparison.Ordinal) && trial.Name.EndsWith(" ranges", StringComparison.Ordinal));
        StringAssert.Contains(other.Reason, "dB of signal to noise");
        Assert.IsLessThan(first.Drop!.Value, other.Drop!.Value);
    }

    [TestMethod]
    public void Where_nothing_is_timed_other_ranges_are_tried_only_in_place_of_what_may_not_ship()
    {
        AddOutlier();

        Assert.AreEqual("static int8", Names(Search(request => (request.CalibrationData, request.Budgets.MaxAccuracyDrop) = (place["outlier"], LooseDrop))));
    }

    [TestMethod]
    public void Where_layers_were_returned_to_float_for_the_noise_of_ranges_another_way_is_tried_for_all_of_them()
    {
        AddOutlier();

        OptimizationResult result = Search(request => (request.CalibrationData, request.Budgets.MaxAccuracyDrop, request.Settings.Objective) = (place["outlier"], 0.02, Objective.Size));

        Assert.IsGreaterThan(1, stages.Count(stage => stage == "static int8 quantization"), "This tests nothing.");
        Assert.IsTrue(result.Search!.Trials.Any(trial => trial.Name.StartsWith("static int8 with ", StringComparison.Ordinal)), Names(result));
    }

    [TestMethod]
    public void Ranges_that_the_project_names_are_the_only_ones()
    {
        AddOutlier();

        OptimizationResult result = Search(request => (request.CalibrationData, request.Budgets.MaxAccuracyDrop, request.Settings.Calibration) = (place["outlier"], LooseDrop, Calibration.MinMax));

        Assert.IsFalse(result.Search!.Trials.Any(trial => trial.Name.EndsWith(" ranges", StringComparison.Ordinal)), Names(result));
    }

    [TestMethod]
    public void Where_integers_leave_much_noise_the_rounding_is_learned()
    {
        AddOutlier();

        SearchTrial[] trials = [.. Search(request => (request.CalibrationData, request.Budgets.MaxAccuracyDrop, request.Settings.Objective) = (place["outlier"], LooseDrop, Objective.Size)).Search!.Trials];

        SearchTrial learned = trials.Single(trial => trial.Name.EndsWith("with learned rounding", StringComparison.Ordinal));
        StringAssert.Contains(learned.Reason, "dB of signal to noise");
    }
}
