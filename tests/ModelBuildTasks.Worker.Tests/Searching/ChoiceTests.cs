using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Searching;
using ModelBuildTasks.Worker.Tests.Infra;
using static ModelBuildTasks.Worker.Tests.Searching.SampleTrials;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>Searches over recipes of the test's own.</summary>
[TestClass]
public sealed class ChoiceTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());
    private readonly SearchClock clock = SearchClock.Start(null, CancellationToken.None);

    public void Dispose()
    {
        clock.Dispose();
        place.Dispose();
    }

    [TestMethod]
    public void Whatever_turns_out_slower_when_it_is_measured_with_care_the_next_can_be_taken_from_the_shelf()
    {
        using SearchUnderTest scene = new(place, clock, prunes: false, request => request.Settings.Objective = Objective.Size, [.. Enumerable.Range(0, 7).Select(number => Padded($"number {number}", number * 1000))]);
        IReadOnlyList<Trial> order = scene.Run();
        List<string> taken = [];
        while (order is [{ IsSource: false } best, ..])
        {
            scene.Shelf.Take(best);
            taken.Add(best.Name);
            order = scene.Search.Refuse(best, best.Outcome!, "it is slower");
        }

        CollectionAssert.AreEqual(Enumerable.Range(0, Shelf.Places).Select(number => $"number {number}").ToArray(), taken);
        Assert.HasCount(7, scene.Search.Trials);
    }

    [TestMethod]
    public void A_prediction_for_the_objective_leaves_nothing_untried_that_the_budgets_need()
    {
        SaveWithIdleNeurons();
        using SearchUnderTest scene = new(
            place, clock, prunes: true,
            request =>
            {
                (request.Settings.Objective, request.Settings.Pruning) = (Objective.Accuracy, Pruning.Auto);
                (request.Budgets.MaxAccuracyDrop, request.Budgets.MaxSizeBytes) = (0.1, 1000);
            },
            Padded("exact", 0), new Recipe("lossy", [Shift, .. Padded("lossy", 1000).Passes]) { Settings = new RecipeSettings(Precision.Int8) });

        scene.Run();

        Assert.IsGreaterThan(0, scene.Search.Trials.Single(trial => trial.Name == "lossy").Loss, "This tests nothing.");
        Assert.IsTrue(scene.Search.Trials.Any(trial => trial.Share > 0 && trial.Name.EndsWith("+ lossy", StringComparison.Ordinal)), NamesOf(scene.Search.Trials));
        Assert.IsEmpty(scene.Search.Trials.Where(trial => trial.Refusal?.Contains("by prediction", StringComparison.Ordinal) == true));
    }

    [TestMethod]
    public void What_is_not_pruned_for_a_prediction_is_no_step_that_was_taken_back()
    {
        SaveWithIdleNeurons();
        using SearchUnderTest scene = new(
            place, clock, prunes: true,
            request =>
            {
                (request.Settings.Objective, request.Settings.Pruning) = (Objective.Size, Pruning.Auto);
                request.Budgets.MaxAccuracyDrop = 0.1;
            },
            Padded("large", 200_000), Padded("small", 0) with { Settings = new RecipeSettings(Precision.Int8) });

        scene.Run();

        Trial predicted = scene.Search.Trials.Single(trial => trial.Refusal?.Contains("by prediction", StringComparison.Ordinal) == true);
        Assert.AreEqual("large, pruned", predicted.Name);
        Assert.IsGreaterThan(0, predicted.Share);
        Assert.IsEmpty(predicted.Steps);
    }

    [TestMethod]
    public void What_is_removed_from_a_model_that_could_not_be_simplified_has_the_name_of_what_was_done()
    {
        using SearchUnderTest scene = new(
            place, clock, prunes: true,
            request =>
            {
                (request.Settings.Objective, request.Settings.Pruning) = (Objective.Size, Pruning.Auto);
                request.Budgets.MaxAccuracyDrop = 0.9;
            },
            RecipeBook.Simplification);

        Trial best = scene.Run()[0];

        Assert.AreEqual("the model as it is", scene.Search.Trials[0].Name);
        StringAssert.StartsWith(best.Name, "structured pruning ");
        StringAssert.EndsWith(best.Name, "% + simplification alone");
    }

    /// <summary>A model with room for recipes to make it smaller, half of whose neurons can go for next to nothing.</summary>
    private void SaveWithIdleNeurons()
    {
        Model model = SmallModels.Mlp();
        Value weight = model.Graph.Initializers.Single(value => value.Initializer!.Dimensions is [128, SmallModels.Classes]);
        weight.Initializer = Tensor.Create([128, SmallModels.Classes], weight.Initializer!.ToSingles().Select((value, index) => index < 64 * SmallModels.Classes ? value : value / 10_000).ToArray());
        model.Metadata["padding"] = new string('-', 5000);
        model.Save(place.ModelPath);
    }

    /// <summary>Moves a few answers to class 0.</summary>
    private static EditingPass Shift => new("shift", model => EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("Add", scores, graph.AddInitializer("shift", Tensor.Vector(0.1f, 0f, 0f, 0f)))));

    /// <summary>A recipe whose artifact grows by some bytes.</summary>
    private static Recipe Padded(string name, int bytes) => new(name, [new EditingPass(name, model => model.Metadata["padding"] = new string('-', bytes + 1))]);
}
