using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Searching;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>What is told of a search.</summary>
[TestClass]
public sealed class SearchOutcomeTests : Pipeline.SearchScene
{
    private static Recipe Good => Recipe(EditingPass.Harmless("good"));

    [TestMethod]
    public void What_was_not_measured_is_no_reason_for_a_choice()
    {
        Assert.AreEqual(
            "It is the first in order of preference, for ModelMeasurement is Skip, the only one that may ship and keeps the budgets.", Decision(Search(Auto(Good))));
        Assert.AreEqual(
            "It is the first in order of preference, for memory was not measured, the only one that may ship and keeps the budgets.", Decision(Search(Auto(Good), request => request.Settings.Objective = Objective.Memory)));
        Assert.AreEqual(
            "It is the first in order of preference, for there is no data to measure accuracy on, the only one that may ship and keeps the budgets.",
            Decision(Search(Auto(Good), request => request.Settings.Objective = Objective.Accuracy, hasData: false)));
    }

    [TestMethod]
    public void What_loses_nothing_is_said_to_lose_nothing() => Assert.AreEqual(
        "It is the one that loses least, 0, the only one that may ship and keeps the budgets.", Decision(Search(Auto(Good), request => request.Settings.Objective = Objective.Accuracy)));

    [TestMethod]
    public void Forms_that_break_a_budget_are_not_counted_among_those_that_keep_it()
    {
        Outcome outcome = Search(Auto(Good, Recipe(EditingPass.Growing("grow"))), request => (request.Settings.Objective, request.Budgets.MaxSizeBytes) = (Objective.Size, 50_000));

        StringAssert.EndsWith(Decision(outcome), " bytes, the only one that may ship and keeps the budgets.");
        Assert.IsEmpty(outcome.Notes);
    }

    [TestMethod]
    public void What_is_nearly_the_smallest_and_loses_less_is_not_said_to_be_the_smallest()
    {
        EditingPass shift = new("shift", model => EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("Add", scores, graph.AddInitializer("shift", Tensor.Vector(0.1f, 0f, 0f, 0f)))));
        EditingPass pad = new("pad", model => model.Metadata["padding"] = new string('-', 200));

        Outcome outcome = Search(Auto(Recipe(shift), Recipe(pad)), request => (request.Settings.Objective, request.Budgets.MaxAccuracyDrop) = (Objective.Size, 0.9));

        StringAssert.StartsWith(Decision(outcome), "It is nearly the smallest, with ");
        StringAssert.EndsWith(Decision(outcome), " bytes, and loses less, of 2 forms that may ship and keep the budgets.");
    }

    [TestMethod]
    public void Where_several_budgets_bind_all_of_them_would_have_to_give_and_one_loss_would_do_instead()
    {
        Outcome outcome = Search(Auto(Good, Recipe(Ruining)), request => (request.Budgets.MaxSizeBytes, request.Budgets.MaxSizeRatio) = (2000, 0.5));

        string concessions = outcome.Notes.Single(note => note.Code == "MBT2009").Arguments[2];
        string ratio = FormattableString.Invariant($"{Math.Ceiling(1e4 * outcome.ArtifactBytes / outcome.OriginalBytes) / 1e4:0.####}");
        string bytes = FormattableString.Invariant($"{outcome.ArtifactBytes:N0}");
        Assert.AreEqual(
            FormattableString.Invariant($"MaxSize would have to be {bytes} bytes and MaxSizeRatio {ratio}, which good has; or MaxAccuracyDrop {LossOfRuin()}, with which ruin would do"), concessions);
        Assert.AreEqual($"It is the nearest to the budgets of what was tried; none keeps them all: {concessions}.", Decision(outcome));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(5)]
    [DataRow(8)]
    public void A_limit_that_is_offered_is_kept_by_what_has_it(int bytes)
    {
        Outcome outcome = Search(Auto(Recipe(new EditingPass("pad", model => model.Metadata["padding"] = new string('-', bytes)))), request => request.Budgets.MaxSizeRatio = 0.001);

        string offered = outcome.Notes.Single(note => note.Code == "MBT2009").Arguments[2].Split("MaxSizeRatio would have to be ")[1].Split(',')[0];
        double limit = double.Parse(offered, CultureInfo.InvariantCulture);
        double ratio = (double)outcome.ArtifactBytes / outcome.OriginalBytes;
        Assert.IsGreaterThanOrEqualTo(ratio, limit);
        Assert.AreEqual(ratio, limit, 1e-4);
    }

    [TestMethod]
    public void Of_a_model_that_passes_through_it_is_said_that_nothing_is_better()
    {
        Outcome outcome = Search(Auto(Recipe(EditingPass.Ruinous("ruin"))));

        Assert.AreEqual("It loses nothing, and costs what it did.", Decision(outcome));
        Assert.IsEmpty(outcome.Search!.Trials.Where(trial => trial.IsChosen));
    }

    [TestMethod]
    public void Where_the_model_itself_comes_nearest_to_the_budgets_that_is_said_of_it()
    {
        SmallModels.Plain().Save(place.ModelPath);

        Outcome outcome = Search(Auto(new Recipe("simplification alone", [])), request => (request.Settings.Metric, request.Budgets.MaxSizeBytes) = (Metric.Agreement, 10));

        Note note = outcome.Notes.Single(note => note.Code == "MBT2009");
        CollectionAssert.AreEqual(new[] { "the model as it is", "MaxSize", $"MaxSize would have to be {outcome.ArtifactBytes} bytes, which the model as it is has" }, note.Arguments.ToArray());
        Assert.IsTrue(outcome.Search!.Trials.Single().IsChosen);
    }

    [TestMethod]
    public void Where_nothing_was_searched_for_neither_the_trials_nor_what_was_preferred_is_known()
    {
        Outcome outcome = SearchOutcome.WithoutSearch(Search(Auto(Recipe(EditingPass.Ruinous("ruin")), Good), request => request.Budgets.MaxSizeBytes = 10));

        Assert.IsNull(outcome.Search);
        Assert.IsEmpty(outcome.Notes);
    }

    [TestMethod]
    [DataRow(Objective.Latency)]
    [DataRow(Objective.Size)]
    [DataRow(Objective.Memory)]
    [DataRow(Objective.Accuracy)]
    public void A_decision_is_a_sentence_whatever_is_sought(Objective objective)
    {
        foreach (long? most in new long?[] { null, 10 })
        {
            SearchAccount search = Search(Auto(Recipe(EditingPass.Ruinous("ruin")), Good, new Recipe("simplification alone", [])), request => (request.Settings.Objective, request.Budgets.MaxSizeBytes) = (objective, most)).Search!;

            StringAssert.EndsWith(search.Decision, ".");
            Assert.DoesNotContain("..", search.Decision);
            Assert.DoesNotContain("NaN", search.Decision);
            Assert.DoesNotContain("∞", search.Decision);
            Assert.AreEqual(objective, search.Objective);
            Assert.HasCount(1, search.Trials.Where(trial => trial.IsChosen));
        }
    }

    /// <summary>Every answer becomes class 0, in few bytes.</summary>
    private static EditingPass Ruining => new("ruin", model =>
    {
        EditingPass.ReplaceScores(model, (graph, _) =>
        {
            Value none = graph.AddNode("ReduceMean", [graph.Inputs[0]]).Set("axes", [1L, 2, 3]).Set("keepdims", 0L).Output;
            Value column = graph.Add("Reshape", none, graph.AddInitializer("column", Tensor.Vector(-1L, 1)));
            Value zeros = graph.Add("Mul", column, graph.AddInitializer("zeros", Tensor.Create([1, 4], new float[4])));
            return graph.Add("Add", zeros, graph.AddInitializer("first", Tensor.Vector(1f, 0f, 0f, 0f)));
        });
        model.Graph.RemoveUnused();
    });

    private static string Decision(Outcome outcome) => outcome.Search!.Decision;
}
