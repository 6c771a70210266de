using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>What one search has made, the next need not make again.</summary>
[TestClass]
public sealed class TrialCacheTests : SearchedModel
{
    [TestMethod]
    public void With_another_budget_nothing_is_made_again_and_its_own_verdict_is_given()
    {
        OptimizationResult first = Search(Pruned);
        Assert.Contains("static int8 quantization", stages);

        OptimizationResult second = Search(request =>
        {
            Pruned(request);
            request.Budgets.MaxSizeRatio = 0.2;
        });

        Assert.IsFalse(second.FromCache);
        Assert.DoesNotContain("static int8 quantization", stages);
        HashSet<string> known = [.. first.Search!.Trials.Select(trial => trial.Name)];
        Assert.IsEmpty(second.Search!.Trials.Where(trial => known.Contains(trial.Name) && trial.Seconds > 0));
        Assert.AreEqual(Verdict.Failed, second.Budgets.Single(budget => budget.Name == "MaxSizeRatio").Verdict);
        Assert.IsEmpty(first.Budgets.Where(budget => budget.Name == "MaxSizeRatio"));
    }

    [TestMethod]
    public void With_another_allowance_what_was_refused_may_ship_and_what_was_taken_may_not()
    {
        SearchTrial strict = Of(Search(request => (request.Settings.Objective, request.Budgets.MaxAccuracyDrop) = (Objective.Size, 0.01)));
        SearchTrial loose = Of(Search(request => (request.Settings.Objective, request.Budgets.MaxAccuracyDrop) = (Objective.Size, LooseDrop)));

        Assert.IsNotNull(strict.Refusal);
        Assert.IsNull(loose.Refusal);
        Assert.AreEqual(0, loose.Seconds);
        Assert.AreEqual(strict.Drop, loose.Drop);

        static SearchTrial Of(OptimizationResult result) => result.Search!.Trials.Single(trial => trial.Name == "weight-only int4");
    }

    [TestMethod]
    public void What_came_from_the_cache_is_chosen_to_the_same_bytes()
    {
        OptimizationResult first = Search();

        OptimizationResult second = Search(request => request.Budgets.MaxSizeRatio = 0.9);

        Assert.AreEqual(0, Chosen(second).Seconds);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
        Assert.AreEqual(first.Quantization!.SignalToNoise, second.Quantization!.SignalToNoise);
        CollectionAssert.AreEqual(first.Recipe.Select(step => step.Explanation).ToArray(), second.Recipe.Select(step => step.Explanation).ToArray());
    }

    [TestMethod]
    public void With_an_empty_cache_nothing_is_said_to_come_from_it() =>
        Assert.IsEmpty(Search(request => request.Settings.Objective = Objective.Size).Search!.Trials.Where(trial => trial.Seconds == 0));

    [TestMethod]
    public void Other_data_is_another_trial()
    {
        Search();

        Search(request => request.CalibrationData = place.WriteData("other", count: 64, seed: 11, labelled: false));

        Assert.Contains("static int8 quantization", stages);
    }

    private static void Pruned(OptimizationRequest request) => request.Settings.Pruning = Pruning.Auto;
}
