using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class CandidateSearchTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Cnn());

    private string Artifact => place["artifact.onnx"];

    public void Dispose() => place.Dispose();

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
        Assert.AreEqual("MBT1003", outcome.Notes.Single().Code);
    }

    [TestMethod]
    public void Pruning_that_the_project_names_is_obeyed_under_Auto()
    {
        RecipeList list = new([EditingPass.Ruinous("prune")], [Recipe(EditingPass.Harmless("good")), new Recipe("prune alone", [])], IsChosenByUser: false);

        Outcome outcome = Search(list);

        Assert.AreEqual(1.0, ShareOfClass0());
        Assert.IsTrue(outcome.Steps.Single(step => step.Name == "prune").Applied);
    }

    [TestMethod]
    public void Pruning_that_does_not_apply_is_a_finding_under_Auto()
    {
        RecipeList list = new([new RefusingPass("prune", "No weights.")], [Recipe(EditingPass.Harmless("good"))], IsChosenByUser: false);

        Note note = Search(list).Notes.Single();

        Assert.AreEqual("MBT1006", note.Code);
        Assert.AreEqual("prune", note.Arguments[0]);
    }

    [TestMethod]
    public void Pruning_of_our_choice_that_ruins_the_model_is_given_up_for_the_recipe_without_it()
    {
        RecipeList list = new([EditingPass.Ruinous("prune")], [Recipe(EditingPass.Harmless("good")) with { Name = "prune + good" }], IsChosenByUser: true)
        {
            Unpruned = Named(Recipe(EditingPass.Harmless("good"))),
        };

        Outcome outcome = Search(list);

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        Assert.IsLessThan(1.0, ShareOfClass0());
        Assert.IsFalse(outcome.Steps.Single(step => step.Name == "prune").Applied);
        Note note = outcome.Notes.Single();
        Assert.AreEqual("MBT1003", note.Code);
        CollectionAssert.AreEqual(new[] { "prune + good", "good" }, note.Arguments.Take(2).ToArray());
    }

    [TestMethod]
    public void Pruning_of_our_choice_that_does_not_apply_leaves_recipes_without_its_name()
    {
        RecipeList list = new([new RefusingPass("prune", "No share.")], [Recipe(EditingPass.Ruinous("ruin"))], IsChosenByUser: false) { Unpruned = Auto(Recipe(EditingPass.Harmless("good"))) };

        Outcome outcome = Search(list);

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        Assert.AreEqual("MBT1006", outcome.Notes.Single().Code);
    }

    [TestMethod]
    [DataRow(true, false)]
    [DataRow(false, true)]
    public void Pruning_may_spend_half_of_the_budget_where_a_lossy_recipe_follows_and_else_the_whole(bool isFollowed, bool isKept)
    {
        AccuracyVerdict? verdict = null;
        AskingPass asking = new(EditingPass.Ruinous("ruin"), told => verdict = told);
        Recipe recipe = isFollowed ? Recipe(EditingPass.Harmless("good")) : new Recipe("pruned alone", []);

        Search(new RecipeList([asking], [recipe], IsChosenByUser: true), request => request.Budgets.MaxAccuracyDrop = 4.0 / 3 * LossOfRuin());

        Assert.AreEqual(isKept, verdict!.IsKept, verdict.Finding);
    }

    [TestMethod]
    public void A_model_that_nothing_helps_passes_through_byte_for_byte()
    {
        SmallModels.Plain().Save(place.ModelPath);

        Outcome outcome = Search(Auto(Recipe(new RefusingPass("magic", "There is none.")), new Recipe("simplification alone", [])));

        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(Artifact));
        Assert.AreEqual("MBT1001", outcome.Notes.Single().Code);
        Assert.IsFalse(outcome.Steps.Any(step => step.Applied));
    }

    [TestMethod]
    public void What_passes_through_may_be_written_again_though_its_source_may_not()
    {
        SmallModels.Plain().Save(place.ModelPath);
        File.SetAttributes(place.ModelPath, FileAttributes.ReadOnly);

        Search(Auto(new Recipe("simplification alone", [])));

        Assert.IsFalse(File.GetAttributes(Artifact).HasFlag(FileAttributes.ReadOnly));
        File.SetAttributes(place.ModelPath, FileAttributes.Normal);
    }

    [TestMethod]
    public void A_model_that_every_recipe_ruins_passes_through_byte_for_byte()
    {
        Outcome outcome = Search(Auto(Recipe(EditingPass.Ruinous("ruin")), Recipe(EditingPass.Ruinous("worse"))));

        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(Artifact));
        Assert.AreEqual("MBT1001", outcome.Notes.Single().Code);
    }

    [TestMethod]
    public void A_named_recipe_whose_artifact_is_not_the_same_function_does_not_ship()
    {
        EditingPass broken = new("rename", model => model.Graph.Outputs[0].Name = "other");

        Outcome outcome = Search(Named(Recipe(broken)));

        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(Artifact));
        CollectionAssert.AreEqual(new[] { "MBT1006", "MBT1001" }, outcome.Notes.Select(note => note.Code).ToArray());
    }

    [TestMethod]
    public void An_artifact_that_does_not_load_does_not_ship()
    {
        EditingPass broken = new("unknown operator", model => EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("NoSuchOperator", scores)));

        Outcome outcome = Search(Auto(Recipe(broken), Recipe(EditingPass.Harmless("good"))));

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        StringAssert.Contains(outcome.Notes.Single().Arguments[2], "ONNX Runtime cannot load it");
    }

    [TestMethod]
    public void A_pruned_model_that_does_not_load_does_not_ship()
    {
        EditingPass broken = new("prune", model => model.Graph.Inputs[0].InsertAfter("NoSuchOperator"));

        Outcome outcome = Search(new RecipeList([broken], [new Recipe("pruned alone", [])], IsChosenByUser: true));

        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(Artifact));
        StringAssert.Contains(outcome.Steps.Single(step => step.Name == "prune").Explanation, "prune was done.");
        Assert.Contains(note => note.Code == "MBT1006" && note.Arguments[1].Contains("ONNX Runtime cannot load it", StringComparison.Ordinal), outcome.Notes);
    }

    [TestMethod]
    public void An_artifact_that_fails_on_a_sample_that_the_original_runs_on_does_not_ship()
    {
        Outcome outcome = Search(Auto(Recipe(new EditingPass("fail", FailOnSample20)), Recipe(EditingPass.Harmless("good"))));

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        StringAssert.Contains(outcome.Notes.Single().Arguments[2], "ONNX Runtime cannot run it on a sample: ");
        Assert.AreEqual("Report this with the model if you can.", outcome.Notes.Single().Arguments[3]);

        // Reads beyond a table of one number where the first pixel is that of the sample.
        void FailOnSample20(Model model) => EditingPass.ReplaceScores(model, (graph, scores) =>
        {
            Tensor sample = Dataset.Open(place["evaluation"], [new Inference.TensorSignature("x", ElementType.Float, model.Graph.Inputs[0].Type!.Shape!)]).Read().ElementAt(20).Inputs[0];
            Value pixel = graph.Add("Gather", graph.Add("Reshape", model.Graph.Inputs[0], graph.AddInitializer("flat", Tensor.Vector(-1L))), graph.AddInitializer("first", Tensor.Vector(0L)));
            Value isSample = graph.AddNode("Cast", [graph.Add("Equal", pixel, graph.AddInitializer("pixel", Tensor.Vector(sample.Span<float>()[0])))]).Set("to", (long)ElementType.Int64).Output;
            return graph.Add("Add", scores, graph.Add("Gather", graph.AddInitializer("table", Tensor.Vector(0f)), isSample));
        });
    }

    [TestMethod]
    public void Auto_ships_nothing_that_is_larger_than_the_model()
    {
        Outcome outcome = Search(Auto(Recipe(EditingPass.Growing("grow")), Recipe(EditingPass.Harmless("good"))));

        Assert.AreEqual("good", Model.Load(Artifact).Metadata["edited by"]);
        StringAssert.Contains(outcome.Notes.Single().Arguments[2], "more than the");
        Assert.AreEqual("Nothing but its size stands against it.", outcome.Notes.Single().Arguments[3]);
        StringAssert.Contains(outcome.Steps.Single(step => step.Name == "grow").Explanation, "Given up: its file would have");
    }

    [TestMethod]
    [DataRow(1.05, 1.10, true)]
    [DataRow(1.01, 1.10, false)]
    public void A_named_recipe_may_be_slower_which_is_said_where_it_is_certain(double low, double high, bool isSaid)
    {
        Outcome outcome = Search(Named(Recipe(EditingPass.Harmless("good"))));
        outcome = outcome with { Latency = new LatencyResult(Estimate.Exact(1), Estimate.Exact(1.07), new Estimate(1.07, low, high), 100, 1, "a processor", true) };

        Assert.AreEqual(isSaid ? "MBT1012" : "", string.Concat(Judged(outcome).Select(diagnostic => diagnostic.Code)));
        Assert.IsEmpty(Judged(outcome, request => request.Budgets.MaxLatencyRatio = 2));
        Assert.IsEmpty(Judged(outcome, request => request.Locked = LockedChoice.Of(LockEntry.Of(request, new OptimizationResult()), request)), "What is locked is made again on slower days, too.");
    }

    [TestMethod]
    public void A_named_recipe_may_be_larger_which_is_said()
    {
        Outcome outcome = Search(Named(Recipe(EditingPass.Growing("grow"))));

        Assert.IsGreaterThan(outcome.OriginalBytes, outcome.ArtifactBytes);
        Assert.AreEqual("MBT1009", Judged(outcome).Single().Code);
        Assert.IsEmpty(Judged(outcome, request => request.Budgets.MaxSizeRatio = 100));
    }

    [TestMethod]
    public void A_named_recipe_for_size_that_makes_the_model_larger_is_left_out_with_the_reason()
    {
        RecipeList list = new([EditingPass.Harmless("prune")], [Recipe(EditingPass.Growing("grow")) with { IsForSize = true }, new Recipe("the rest", [])], IsChosenByUser: true);

        Outcome outcome = Search(list);

        Assert.IsLessThan(outcome.OriginalBytes, outcome.ArtifactBytes);
        Assert.AreEqual("prune", Model.Load(Artifact).Metadata["edited by"]);
        Note note = outcome.Notes.Single();
        Assert.AreEqual("MBT1006", note.Code);
        StringAssert.Contains(note.Arguments[1], "of the model itself");
        Assert.IsEmpty(Judged(outcome));
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

    [TestMethod]
    public void The_source_is_never_written()
    {
        byte[] before = File.ReadAllBytes(place.ModelPath);

        Search(Named(Recipe(EditingPass.Ruinous("ruin"))));

        CollectionAssert.AreEqual(before, File.ReadAllBytes(place.ModelPath));
    }

    private static Recipe Recipe(params IModelPass[] passes) => new(passes[0].Name, passes);

    private static Recipe Trading(TradingPass pass) => Recipe(pass) with { CanKeepAccuracy = true };

    private static RecipeList Auto(params Recipe[] recipes) => new([], recipes, IsChosenByUser: false);

    private static RecipeList Named(Recipe recipe) => new([], [recipe], IsChosenByUser: true);

    private Outcome Search(RecipeList list, Action<OptimizationRequest>? change = null, bool hasData = true)
    {
        OptimizationRequest request = place.Request(change);
        using SourceModel source = SourceModel.Load(place.ModelPath);
        Dataset? data = hasData ? Dataset.Open(place.WriteData("evaluation"), source.Session.Inputs) : null;
        CandidateSearch search = new(request, source, TargetProfiles.Cpu, null, data, new Progress<PipelineProgress>(), CancellationToken.None);
        using ShippedForm candidate = new(request, Artifact);
        return search.Run(list, candidate)!;
    }

    /// <summary>The share of samples whose label is another class than the one that a ruined model gives.</summary>
    private double LossOfRuin()
    {
        using Inference.ModelSession session = Inference.ModelSession.Open(place.ModelPath);
        return Dataset.Open(place.WriteData("evaluation"), session.Inputs).Read().Average(sample => sample.Label!.Span<long>()[0] == 0 ? 0.0 : 1);
    }

    /// <summary>The findings on what ships, the lack of evaluation data aside.</summary>
    private Diagnostic[] Judged(Outcome outcome, Action<OptimizationRequest>? change = null)
    {
        IReadOnlyList<BudgetVerdict> verdicts = BudgetDiagnostics.Judge(place.Request(change), outcome, outcome.ArtifactBytes, DeviceEvidence.None, memoryReason: null);
        return [.. BudgetDiagnostics.Of(place.Request(change), outcome, outcome.ArtifactBytes, verdicts, DeviceEvidence.None).Where(diagnostic => diagnostic.Code != DiagnosticCatalogue.AccuracyNotMeasured.Code)];
    }

    private double ShareOfClass0()
    {
        using Inference.ModelSession session = Inference.ModelSession.Open(Artifact);
        Sample[] samples = [.. Dataset.Open(place["evaluation"], session.Inputs).Read()];
        return samples.Average(sample => session.Run(sample.Inputs)[0].Span<float>().IndexOf(1f) == 0 ? 1.0 : 0);
    }

    /// <summary>Asks what an edit of the model would cost, and leaves the model as it was.</summary>
    private sealed class AskingPass(EditingPass edit, Action<AccuracyVerdict> told) : IModelPass
    {
        public string Name => "ask";

        public PassOutcome Apply(Model model, PassContext context)
        {
            Model edited = model.Clone();
            edit.Apply(edited, context);
            told(context.JudgeAccuracy!(edited));
            return PassOutcome.Refused("It only asked.");
        }
    }

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
