using ModelBuildTasks.Onnx;
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
}
