using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class CandidateSearchTests : SearchScene
{
    [TestMethod]
    public void Auto_takes_the_first_recipe_that_keeps_the_accuracy()
    {
        Outcome outcome = Search(Auto(Recipe(EditingPass.Harmless("good")), Recipe(EditingPass.Harmless("lesser"))));

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        Assert.IsEmpty(outcome.Notes);
    }

    [TestMethod]
    public void Auto_falls_back_when_more_than_one_point_is_lost_and_says_so()
    {
        Outcome outcome = Search(Auto(Recipe(EditingPass.Ruinous("ruin")), Recipe(EditingPass.Harmless("good"))));

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        Note note = outcome.Notes.Single();
        Assert.AreEqual("MBT1003", note.Code);
        Assert.AreEqual("ruin", note.Arguments[0]);
        Assert.AreEqual("good", note.Arguments[1]);
        StringAssert.Contains(note.Arguments[2], "more than 0.01");
        StringAssert.Contains(note.Arguments[3], "MaxAccuracyDrop");
    }

    [TestMethod]
    public void Auto_spends_the_whole_accuracy_budget_of_the_project()
    {
        Search(Auto(Recipe(EditingPass.Ruinous("ruin")), Recipe(EditingPass.Harmless("good"))), request => request.Budgets.MaxAccuracyDrop = 1);

        Assert.AreEqual(1.0, ShareOfClass0());
    }

    [TestMethod]
    public void Where_the_metric_shows_no_drop_likeness_with_the_original_decides()
    {
        // Decibels of the original against itself are infinite, and so would be any drop.
        Outcome outcome = Search(Auto(Recipe(EditingPass.Ruinous("ruin")), Recipe(EditingPass.Harmless("good"))), request => request.Settings.Metric = Metric.SignalToNoise);

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        StringAssert.Contains(outcome.Notes.Single().Arguments[2], "cosine similarity");
    }

    [TestMethod]
    public void Without_data_likeness_on_drawn_inputs_decides()
    {
        Search(Auto(Recipe(EditingPass.Ruinous("ruin")), Recipe(EditingPass.Harmless("good"))), hasData: false);

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
    }

    [TestMethod]
    public void A_float16_model_of_which_no_integers_come_stays_in_float16()
    {
        Model model = Model.Create("half", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float16, 1, 4, 8, 8));
        Value weight = model.Graph.AddInitializer("w", Tensor.Create([16, 4, 3, 3], [.. Enumerable.Repeat((Half)0.1f, 16 * 4 * 9)]));
        Value y = model.Graph.Add("Conv", model.Graph.Add("Identity", x), weight);
        y.Type = new TensorType(ElementType.Float16, 1, 16, 6, 6);
        model.Graph.AddOutput(y);
        using Workplace half = Workplace.With(model);

        OptimizationResult result = Workplace.Run(half.Request(request => request.Settings.Precision = Precision.Int8));

        Assert.IsLessThanOrEqualTo(result.Original!.Bytes, result.Optimized!.Bytes);
        RecipeStep step = result.Recipe.Single(step => step.Name == "float32 conversion");
        Assert.IsFalse(step.Applied);
        StringAssert.Contains(step.Explanation, "Given up: nothing came of it");
    }

    [TestMethod]
    public void A_recipe_that_was_given_up_tells_why_in_its_step()
    {
        Outcome outcome = Search(Auto(Recipe(EditingPass.Ruinous("ruin")), Recipe(EditingPass.Harmless("good"))));

        Step step = outcome.Steps.Single(step => step.Name == "ruin");
        Assert.IsFalse(step.Applied);
        StringAssert.Contains(step.Explanation, "Given up: Top1 drops by");
    }

    [TestMethod]
    public void A_named_recipe_is_obeyed_however_much_it_loses()
    {
        Outcome outcome = Search(Named(Recipe(EditingPass.Ruinous("ruin"))));

        Assert.AreEqual(1.0, ShareOfClass0());
        Assert.IsGreaterThan(0.1, outcome.Accuracy!.Drop!.Value.Value);
        Assert.AreEqual("MBT1010", outcome.Notes.Single().Code);
        StringAssert.Contains(outcome.Notes.Single().Arguments[1], "Top1 drops by");
    }

    [TestMethod]
    public void A_recipe_that_can_keep_the_accuracy_is_tried_again_when_it_lost_too_much()
    {
        TradingPass trading = new();

        Outcome outcome = Search(Auto(Trading(trading), Recipe(EditingPass.Harmless("good"))));

        Assert.AreEqual("careful", Model.Load(Artifact).Metadata["edited by"]);
        CollectionAssert.AreEqual(new bool?[] { null, false, true }, trading.Answers);
        Assert.AreEqual("Careful.", outcome.Steps.Single(step => step.Name == "trade").Explanation);
        Assert.IsEmpty(outcome.Notes);
    }

    [TestMethod]
    public void A_recipe_of_which_nothing_keeps_the_accuracy_leaves_the_turn_to_the_next()
    {
        Outcome outcome = Search(Auto(Recipe(new YieldingPass()) with { CanKeepAccuracy = true }, Recipe(EditingPass.Harmless("good"))));

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        Note note = outcome.Notes.Single();
        Assert.AreEqual("MBT1003", note.Code);
        CollectionAssert.AreEqual(new[] { "yield", "good", "nothing keeps it" }, note.Arguments.Take(3).ToArray());
    }

    [TestMethod]
    public void A_named_recipe_of_which_nothing_keeps_the_accuracy_passes_the_model_through_byte_for_byte()
    {
        SmallModels.Mlp().Save(place.ModelPath);

        Outcome outcome = Search(Named(Recipe(new YieldingPass()) with { CanKeepAccuracy = true }), request => request.Budgets.MaxAccuracyDrop = 0.02);

        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(Artifact));
        CollectionAssert.AreEqual(new[] { "MBT1006", "MBT1001" }, outcome.Notes.Select(note => note.Code).ToArray());
    }

    [TestMethod]
    public void A_named_recipe_is_tried_again_when_it_breaks_the_accuracy_budget()
    {
        TradingPass trading = new();

        Search(Named(Trading(trading)), request => request.Budgets.MaxAccuracyDrop = 0.02);

        Assert.AreEqual("careful", Model.Load(Artifact).Metadata["edited by"]);
    }

    [TestMethod]
    public void A_named_recipe_without_an_accuracy_budget_is_carried_out_once()
    {
        TradingPass trading = new();

        Search(Named(Trading(trading)));

        CollectionAssert.AreEqual(new bool?[] { null }, trading.Answers);
        Assert.AreEqual(1.0, ShareOfClass0());
    }

    [TestMethod]
    public void A_named_step_that_does_not_apply_is_a_finding_with_its_reason()
    {
        Outcome outcome = Search(Named(Recipe(new RefusingPass("magic", "There is none."), EditingPass.Harmless("good"))));

        Note note = outcome.Notes.Single();
        Assert.AreEqual("MBT1006", note.Code);
        CollectionAssert.AreEqual(new[] { "magic", "there is none" }, note.Arguments.ToArray());
    }

    [TestMethod]
    public void Preparation_of_a_recipe_that_does_not_apply_is_taken_back()
    {
        Recipe hollow = Recipe(new RefusingPass("magic", "There is none.")) with { Preparation = [EditingPass.Harmless("prepared")] };

        Outcome outcome = Search(Auto(hollow, new Recipe("simplification alone", [])));

        Assert.IsFalse(Model.Load(Artifact).Metadata.ContainsKey("edited by"));
        Step step = outcome.Steps.Single(step => step.Name == "prepared");
        Assert.IsFalse(step.Applied);
        StringAssert.Contains(step.Explanation, "Given up: nothing came of it");
    }

    [TestMethod]
    public void Preparation_that_finds_nothing_to_do_is_no_finding_and_does_not_stand_for_the_technique()
    {
        Recipe named = Recipe(new RefusingPass("magic", "There is none.")) with { Preparation = [new RefusingPass("prepared", "Nothing.")] };

        Note[] steps = [.. Search(Named(named)).Notes.Where(note => note.Code == "MBT1006")];

        Assert.AreEqual("magic", steps.Single().Arguments[0]);
    }

    [TestMethod]
    public void Auto_skips_a_recipe_that_does_not_apply()
    {
        Outcome outcome = Search(Auto(Recipe(new RefusingPass("magic", "There is none.")), Recipe(EditingPass.Harmless("good"))));

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        Assert.IsEmpty(outcome.Notes, "Nobody can do anything about it.");
        Assert.AreEqual("there is none", outcome.Search!.Trials.Single(trial => trial.Name == "magic").Refusal);
    }

    [TestMethod]
    public void Where_nothing_quantized_ships_the_plan_of_the_first_recipe_that_was_tried_is_told()
    {
        Outcome outcome = Search(Auto(Recipe(new PlanningPass("best", EditingPass.Ruinous("ruin"))), Recipe(new PlanningPass("lesser", new RefusingPass("magic", "There is none."))), new Recipe("simplification alone", [])));

        Assert.IsNull(outcome.Quantization);
        Assert.AreEqual("best", outcome.TriedQuantization!.Layers.Single().Name);
    }

    [TestMethod]
    public void Where_a_quantized_model_ships_no_other_plan_is_told()
    {
        Outcome outcome = Search(Auto(Recipe(new PlanningPass("best", EditingPass.Ruinous("ruin"))), Recipe(new PlanningPass("lesser", EditingPass.Harmless("good")))));

        Assert.AreEqual("lesser", outcome.Quantization!.Layers.Single().Name);
        Assert.IsNull(outcome.TriedQuantization);
    }

    private static Recipe Trading(TradingPass pass) => Recipe(pass) with { CanKeepAccuracy = true };

    /// <summary>Does what another pass does, with a plan of one layer of its own name.</summary>
    private sealed class PlanningPass(string name, IModelPass pass) : IModelPass
    {
        public string Name => name;

        public PassOutcome Apply(Model model, PassContext context) =>
            pass.Apply(model, context) with { Plan = new QuantizationPlan(null, [], [new PlannedLayer(name, IsInteger: false, "the test says so")], []) };
    }

    /// <summary>Ruins the model, and leaves it where it can ask what that costs.</summary>
    private sealed class YieldingPass : IModelPass
    {
        public string Name => "yield";

        public PassOutcome Apply(Model model, PassContext context) =>
            context.JudgeAccuracy is null ? EditingPass.Ruinous(Name).Apply(model, context) : PassOutcome.Refused("Nothing keeps it.");
    }

    /// <summary>Ruins the model, unless it can ask what that costs.</summary>
    private sealed class TradingPass : IModelPass
    {
        public string Name => "trade";

        /// <summary>What was answered of a ruined and of a whole model; null where there was no one to ask.</summary>
        internal List<bool?> Answers { get; } = [];

        public PassOutcome Apply(Model model, PassContext context)
        {
            if (context.JudgeAccuracy is not { } judge)
            {
                Answers.Add(null);
                return EditingPass.Ruinous(Name).Apply(model, context);
            }

            Model ruined = model.Clone();
            EditingPass.Ruinous(Name).Apply(ruined, context);
            Answers.Add(judge(ruined).IsKept);
            Answers.Add(judge(model.Clone()).IsKept);
            EditingPass.Harmless("careful").Apply(model, context);
            return PassOutcome.Applied("Careful.");
        }
    }
}
