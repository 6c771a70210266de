using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>What a search lets ship, and what passes through.</summary>
[TestClass]
public sealed class ShippingSearchTests : SearchScene
{
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
        Assert.IsEmpty(Judged(outcome, request => request.Locked = LockedChoice.Of(LockEntry.Of(request, new OptimizationResult { Pinned = new PinnedRecipe() }), request)), "What is locked is made again on slower days, too.");
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
    public void The_source_is_never_written()
    {
        byte[] before = File.ReadAllBytes(place.ModelPath);

        Search(Named(Recipe(EditingPass.Ruinous("ruin"))));

        CollectionAssert.AreEqual(before, File.ReadAllBytes(place.ModelPath));
    }
}
