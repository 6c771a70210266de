using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Recipes;

[TestClass]
public sealed class RecipeBookTests
{
    private const string Static = "static int8 quantization";
    private const string Dynamic = "dynamic int8 quantization";

    [TestMethod]
    [DataRow(Precision.Float16, Contracts.Quantization.Auto, false, "float16 storage")]
    [DataRow(Precision.Int8, Contracts.Quantization.Auto, true, Static)]
    [DataRow(Precision.Int8, Contracts.Quantization.Auto, false, Dynamic)]
    [DataRow(Precision.Int8, Contracts.Quantization.Dynamic, true, Dynamic)]
    [DataRow(Precision.Auto, Contracts.Quantization.Static, true, Static)]
    [DataRow(Precision.Auto, Contracts.Quantization.Dynamic, true, Dynamic)]
    [DataRow(Precision.Auto, Contracts.Quantization.WeightOnly, false, "weight-only int4 quantization")]
    [DataRow(Precision.Int8, Contracts.Quantization.WeightOnly, true, "weight-only int8 quantization")]
    [DataRow(Precision.Int4, Contracts.Quantization.Auto, true, "weight-only int4 quantization")]
    [DataRow(Precision.Int4, Contracts.Quantization.Static, true, "int4 storage")]
    [DataRow(Precision.Int2, Contracts.Quantization.Auto, false, "weight-only int2 quantization")]
    [DataRow(Precision.Binary, Contracts.Quantization.WeightOnly, false, "binary weight quantization")]
    public void A_named_technique_is_the_only_recipe(Precision precision, Contracts.Quantization quantization, bool hasCalibration, string pass)
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Precision = precision, Quantization = quantization }, TargetProfiles.Cpu, hasCalibration);

        Assert.IsTrue(list.IsChosenByUser);
        Assert.AreEqual(pass, list.Recipes[0].Passes[^1].Name, ignoreCase: true);
    }

    [TestMethod]
    public void Float16_is_computed_in_where_the_target_does()
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Precision = Precision.Float16 }, TargetProfiles.Cuda, hasCalibration: false);

        Assert.AreEqual("float16 conversion", list.Recipes[0].Passes.Single().Name);
    }

    [TestMethod]
    public void Four_bits_with_static_quantization_are_those_of_its_weights()
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Precision = Precision.Int4, Quantization = Contracts.Quantization.Static }, TargetProfiles.Cpu, hasCalibration: true);

        Recipe recipe = list.Recipes.Single();
        Assert.AreEqual("static int8 quantization with int4 weights", recipe.Passes[0].Name);
        Assert.HasCount(2, recipe.Preparation);
        Assert.AreEqual(4, RecipeBook.WithOtherRanges(recipe, new ModelSettings()).Select(other => ((StaticQuantization)other.Passes[0]).WeightBits).Distinct().Single());
    }

    [TestMethod]
    public void Static_quantization_comes_behind_equalization()
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Quantization = Contracts.Quantization.Static }, TargetProfiles.Cpu, hasCalibration: true);

        CollectionAssert.AreEqual(new[] { "cross-layer equalization", "SmoothQuant" }, list.Recipes.Single().Preparation.Select(pass => pass.Name).ToArray());
        Assert.AreEqual(Static, list.Recipes.Single().Passes.Single().Name);
    }

    [TestMethod]
    [DataRow(true, "SmoothQuant")]
    [DataRow(false, "")]
    public void Dynamic_quantization_comes_behind_what_samples_can_smooth(bool hasCalibration, string preparation)
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Quantization = Contracts.Quantization.Dynamic }, TargetProfiles.Cpu, hasCalibration);

        Assert.AreEqual(preparation, string.Concat(list.Recipes.Single().Preparation.Select(pass => pass.Name)));
    }

    [TestMethod]
    [DataRow(Calibration.Auto, "Auto")]
    [DataRow(Calibration.MinMax, "MinMax")]
    [DataRow(Calibration.Entropy, "Entropy")]
    [DataRow(Calibration.Percentile, "Percentile")]
    [DataRow(Calibration.Mse, "MeanSquaredError")]
    [DataRow(Calibration.MovingAverage, "AverageMinMax")]
    public void Static_quantization_finds_ranges_as_the_project_says(Calibration calibration, string ranges)
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Quantization = Contracts.Quantization.Static, Calibration = calibration }, TargetProfiles.Cpu, hasCalibration: true);

        StaticQuantization pass = list.Recipes.Single().Passes.OfType<StaticQuantization>().Single();
        Assert.AreEqual(ranges, pass.Ranges.ToString());
    }

    [TestMethod]
    [DataRow(Precision.Float32, Contracts.Quantization.Auto)]
    [DataRow(Precision.Auto, Contracts.Quantization.None)]
    public void Float32_is_simplification_alone(Precision precision, Contracts.Quantization quantization)
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Precision = precision, Quantization = quantization }, TargetProfiles.Cpu, hasCalibration: true);

        Assert.IsTrue(list.IsChosenByUser);
        Assert.IsEmpty(list.Recipes.Single().Passes);
    }

    [TestMethod]
    [DataRow("cpu", true, "static int8, dynamic int8, simplification alone, weight-only int8, weight-only int4")]
    [DataRow("cpu", false, "simplification alone, weight-only int8, weight-only int4")]
    [DataRow("cuda", true, "float16, simplification alone")]
    [DataRow("cuda", false, "float16, simplification alone")]
    [DataRow("directml", true, "float16, simplification alone")]
    [DataRow("tensorrt", true, "static int8, float16, simplification alone")]
    [DataRow("tensorrt", false, "float16, simplification alone")]
    public void Auto_tries_what_the_target_computes_fast_and_the_data_allows(string target, bool hasCalibration, string expected) =>
        Assert.AreEqual(expected, Names(RecipeBook.For(new ModelSettings(), TargetProfiles.Find(target)!, hasCalibration)));

    [TestMethod]
    public void Evaluation_samples_are_enough_for_ranges_that_are_measured_at_each_run() =>
        Assert.AreEqual("dynamic int8, simplification alone, weight-only int8, weight-only int4", Names(RecipeBook.For(new ModelSettings(), TargetProfiles.Cpu, hasCalibration: false, hasEvaluation: true)));

    [TestMethod]
    public void For_size_fewer_bits_are_tried_too() =>
        Assert.AreEqual(
            "simplification alone, weight-only int8, weight-only int4, weight-only int2, float16 storage",
            Names(RecipeBook.For(new ModelSettings { Objective = Objective.Size }, TargetProfiles.Cpu, hasCalibration: false)));

    [TestMethod]
    [DataRow(Precision.Int8, false, "static int8 without data")]
    [DataRow(Precision.Auto, true, "static int8 without data, dynamic int8, simplification alone, weight-only int8, weight-only int4")]
    [DataRow(Precision.Auto, false, "simplification alone, weight-only int8, weight-only int4")]
    public void Without_samples_ranges_come_from_statistics_where_integers_are_asked_for_or_accuracy_can_be_judged(Precision precision, bool hasEvaluation, string expected)
    {
        Model model = Model.Create("normalized", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 2, 4, 4));
        Value[] parameters = [.. new[] { "scale", "shift", "mean", "variance" }.Select(name => model.Graph.AddInitializer(name, Tensor.Vector(1f, 2f)))];
        model.Graph.AddOutput(model.Graph.Add("BatchNormalization", [x, .. parameters]));

        RecipeList list = RecipeBook.For(
            new ModelSettings { Precision = precision }, TargetProfiles.CpuX64, hasCalibration: false, hasEvaluation, model);

        Assert.AreEqual(expected, string.Join(", ", list.Recipes.Select(recipe => recipe.Name)));
    }

    [TestMethod]
    [DataRow("LSTM", "static int8 quantization, dynamic int8 LSTMs")]
    [DataRow("Relu", "static int8 quantization")]
    public void Static_integers_are_completed_where_the_model_has_recurrences(string operation, string expected)
    {
        Model model = Model.Create("recurrent", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 1, 4));
        model.Graph.AddOutput(model.Graph.Add(operation, x));

        RecipeList list = RecipeBook.For(new ModelSettings { Precision = Precision.Int8 }, TargetProfiles.CpuX64, hasCalibration: true, source: model);

        Assert.AreEqual(expected, string.Join(", ", list.Recipes.Single().Passes.Select(pass => pass.Name)));
    }

    [TestMethod]
    public void Pruning_comes_before_every_recipe_and_into_its_name()
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Pruning = Contracts.Pruning.Magnitude, Sparsity = 0.5 }, TargetProfiles.Cpu, hasCalibration: false);

        Assert.AreEqual("magnitude pruning", list.Pruning.Single().Name);
        Assert.AreEqual("magnitude pruning + simplification alone", list.Recipes[0].Name);
    }

    [TestMethod]
    public void Structured_pruning_comes_before_every_recipe()
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Pruning = Contracts.Pruning.Structured, Sparsity = 0.5 }, TargetProfiles.Cpu, hasCalibration: false);

        Assert.AreEqual("structured pruning", list.Pruning.Single().Name);
        Assert.AreEqual("structured pruning + simplification alone", list.Recipes[0].Name);
    }

    [TestMethod]
    [DataRow(Contracts.Pruning.Magnitude, true, "magnitude pruning with refit")]
    [DataRow(Contracts.Pruning.Threshold, true, "threshold pruning with refit")]
    [DataRow(Contracts.Pruning.Magnitude, false, "magnitude pruning")]
    [DataRow(Contracts.Pruning.SecondOrder, true, "second-order pruning")]
    [DataRow(Contracts.Pruning.TwoFour, true, "2:4 pruning")]
    [DataRow(Contracts.Pruning.Surgery, true, "network surgery")]
    public void What_is_left_is_refitted_wherever_there_are_samples(Contracts.Pruning pruning, bool hasCalibration, string expected)
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Pruning = pruning, Sparsity = 0.5, PruningThreshold = 0.1 }, TargetProfiles.Cpu, hasCalibration);

        Assert.AreEqual(expected, list.Pruning.Single().Name);
    }

    [TestMethod]
    [DataRow(Contracts.Pruning.Auto, true, true)]
    [DataRow(Contracts.Pruning.Auto, false, false)]
    [DataRow(Contracts.Pruning.Structured, true, false)]
    public void How_much_is_pruned_is_searched_where_it_is_left_open_and_can_be_judged(Contracts.Pruning pruning, bool hasEvaluation, bool isSearched)
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Pruning = pruning, Precision = Precision.Float32 }, TargetProfiles.Cpu, hasCalibration: true, hasEvaluation);

        Assert.AreEqual(isSearched, list.Prunable is not null);
        Assert.AreEqual(isSearched, list.IsOpen);
    }

    [TestMethod]
    [DataRow(Contracts.Quantization.Static, Calibration.Percentile, "Percentile")]
    [DataRow(Contracts.Quantization.Static, Calibration.Auto, "Auto")]
    public void What_was_chosen_is_made_again_by_the_settings_that_name_it(Contracts.Quantization quantization, Calibration calibration, string ranges)
    {
        PinnedRecipe pinned = new() { Quantization = quantization, Calibration = calibration, Pruning = Contracts.Pruning.Structured, Sparsity = 0.25 };

        RecipeList list = RecipeBook.Again(pinned, new ModelSettings { Pruning = Contracts.Pruning.Auto }, TargetProfiles.Cpu, hasCalibration: true, hasEvaluation: true, SmallModels.WideMlp());

        Assert.AreEqual("structured pruning", list.Pruning.Single().Name);
        Assert.AreEqual(ranges, list.Recipes.Single().Passes.OfType<StaticQuantization>().Single().Ranges.ToString());
    }

    [TestMethod]
    public void A_rounding_that_was_learned_is_learned_again()
    {
        Recipe integers = RecipeBook.For(new ModelSettings(), TargetProfiles.Cpu, hasCalibration: true, hasEvaluation: true, SmallModels.WideMlp()).Recipes[0];
        Recipe learned = RecipeBook.WithLearnedRounding(RecipeBook.WithOtherRanges(integers, new ModelSettings()).First())!;

        Recipe again = RecipeBook.Again(learned.Settings.Pin(), new ModelSettings(), TargetProfiles.Cpu, hasCalibration: true, hasEvaluation: true, SmallModels.WideMlp()).Recipes.Single();

        Assert.AreEqual("static int8 with Percentile ranges with learned rounding", learned.Name);
        Assert.AreEqual(new StaticQuantization(RangeMethod.Percentile) { LearnsRounding = true }, again.Passes.OfType<StaticQuantization>().Single());
        Assert.IsNull(RecipeBook.WithLearnedRounding(learned));
        Assert.IsNull(RecipeBook.WithLearnedRounding(RecipeBook.Simplification));
    }

    [TestMethod]
    public void Each_recipe_of_a_search_is_made_again_by_the_settings_that_it_pins()
    {
        Model model = SmallModels.WideMlp();
        foreach (Recipe recipe in RecipeBook.For(new ModelSettings { Objective = Objective.Size }, TargetProfiles.Cpu, hasCalibration: true, hasEvaluation: true, model).Recipes)
        {
            Recipe again = RecipeBook.Again(recipe.Settings.Pin(), new ModelSettings { Objective = Objective.Size }, TargetProfiles.Cpu, hasCalibration: true, hasEvaluation: true, model).Recipes.Single();

            Assert.AreEqual(recipe.Name, again.Name);
            CollectionAssert.AreEqual(recipe.Passes.Concat(recipe.Preparation).Select(pass => pass.Name).ToArray(), again.Passes.Concat(again.Preparation).Select(pass => pass.Name).ToArray());
        }
    }

    [TestMethod]
    [DataRow(Contracts.Pruning.Magnitude)]
    [DataRow(Contracts.Pruning.Threshold)]
    [DataRow(Contracts.Pruning.SecondOrder)]
    [DataRow(Contracts.Pruning.TwoFour)]
    [DataRow(Contracts.Pruning.Surgery)]
    [DataRow(Contracts.Pruning.Structured)]
    public void Every_kind_of_pruning_leaves_excluded_layers_alone(Contracts.Pruning pruning)
    {
        Model model = SmallModels.WideMlp();
        byte[] before = model.ToBytes();
        ModelSettings settings = new() { Pruning = pruning, Sparsity = 0.5, PruningThreshold = 1, PruningExclude = ["*"] };
        Dataset samples = new TrialDataset([.. Enumerable.Range(0, 8).Select(IReadOnlyList<Tensor> (i) => [Tensor.Create([1, 64], Enumerable.Range(0, 64).Select(j => MathF.Sin(i * 64 + j)).ToArray())])]);

        PassOutcome outcome = RecipeBook.For(settings, TargetProfiles.Cpu, hasCalibration: true, source: model).Pruning.Single().Apply(model, new PassContext(TargetProfiles.Cpu, samples));

        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void Threshold_pruning_takes_the_threshold()
    {
        RecipeList list = RecipeBook.For(new ModelSettings { Pruning = Contracts.Pruning.Threshold, PruningThreshold = 0.1 }, TargetProfiles.Cpu, hasCalibration: false);

        Assert.AreEqual("threshold pruning", list.Pruning.Single().Name);
    }

    private static string Names(RecipeList list) => string.Join(", ", list.Recipes.Select(recipe => recipe.Name));
}
