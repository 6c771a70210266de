using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Searches with pruning before the recipes.</summary>
[TestClass]
public sealed class PrunedSearchTests : SearchScene
{
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
}
