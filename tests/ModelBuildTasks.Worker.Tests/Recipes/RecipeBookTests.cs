using ModelBuildTasks.Contracts;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Recipes;

namespace ModelBuildTasks.Worker.Tests.Recipes;

[TestClass]
public sealed class RecipeBookTests
{
    private const string Static = "static int8 quantization";
    private const string Dynamic = "dynamic int8 quantization";

    [TestMethod]
    [DataRow(Precision.Float16, Quantization.Auto, false, "float16 conversion")]
    [DataRow(Precision.Int8, Quantization.Auto, true, Static)]
    [DataRow(Precision.Int8, Quantization.Auto, false, Dynamic)]
    [DataRow(Precision.Int8, Quantization.Dynamic, true, Dynamic)]
    [DataRow(Precision.Auto, Quantization.Static, true, Static)]
    [DataRow(Precision.Auto, Quantization.Dynamic, true, Dynamic)]
    [DataRow(Precision.Auto, Quantization.WeightOnly, false, "weight-only int4 quantization")]
    [DataRow(Precision.Int8, Quantization.WeightOnly, true, "weight-only int8 quantization")]
    [DataRow(Precision.Int4, Quantization.Auto, true, "weight-only int4 quantization")]
    [DataRow(Precision.Int2, Quantization.Auto, false, "weight-only int2 quantization")]
    [DataRow(Precision.Binary, Quantization.WeightOnly, false, "binary weight quantization")]
    public void A_named_technique_is_the_only_recipe(Precision precision, Quantization quantization, bool hasCalibration, string pass)
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Precision = precision, Quantization = quantization }, TargetProfiles.Cpu, hasCalibration);

        Assert.IsTrue(list.IsChosenByUser);
        Assert.AreEqual(pass, list.Recipes.Single().Passes.Single().Name, ignoreCase: true);
    }

    [TestMethod]
    [DataRow(Precision.Float32, Quantization.Auto)]
    [DataRow(Precision.Auto, Quantization.None)]
    public void Float32_is_simplification_alone(Precision precision, Quantization quantization)
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Precision = precision, Quantization = quantization }, TargetProfiles.Cpu, hasCalibration: true);

        Assert.IsTrue(list.IsChosenByUser);
        Assert.IsEmpty(list.Recipes.Single().Passes);
    }

    [TestMethod]
    [DataRow("cpu", true, "static int8, dynamic int8, simplification alone")]
    [DataRow("cpu-x64", true, "static int8, dynamic int8, simplification alone")]
    [DataRow("cpu-arm64", false, "dynamic int8, simplification alone")]
    [DataRow("cpu", false, "dynamic int8, simplification alone")]
    [DataRow("cuda", true, "float16, simplification alone")]
    [DataRow("cuda", false, "float16, simplification alone")]
    public void Auto_tries_what_the_target_computes_fast_and_the_data_allows(string target, bool hasCalibration, string expected)
    {
        RecipeList list = RecipeBook.For(new ModelSettings(), TargetProfiles.Find(target)!, hasCalibration);

        Assert.IsFalse(list.IsChosenByUser);
        Assert.AreEqual(expected, string.Join(", ", list.Recipes.Select(recipe => recipe.Name)));
    }

    [TestMethod]
    public void Auto_ends_with_the_simplified_model_itself() =>
        Assert.IsEmpty(RecipeBook.For(new ModelSettings(), TargetProfiles.Cpu, hasCalibration: true).Recipes[^1].Passes);

    [TestMethod]
    public void Pruning_comes_before_every_recipe_and_into_its_name()
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Pruning = Contracts.Pruning.Magnitude, Sparsity = 0.5 }, TargetProfiles.Cpu, hasCalibration: false);

        Assert.AreEqual("magnitude pruning", list.Pruning.Single().Name);
        Assert.AreEqual("magnitude pruning + dynamic int8", list.Recipes[0].Name);
    }

    [TestMethod]
    public void Threshold_pruning_takes_the_threshold()
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Pruning = Contracts.Pruning.Threshold, PruningThreshold = 0.1 }, TargetProfiles.Cpu, hasCalibration: false);

        Assert.AreEqual("threshold pruning", list.Pruning.Single().Name);
    }
}
