using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Tests.Locking;

/// <summary>How an artifact was made, as the lock file keeps it.</summary>
[TestClass]
public sealed class LockedRecipes
{
    private static readonly PinnedRecipe s_full = new()
    {
        IsSource = true,
        Precision = Precision.Int8,
        Quantization = Quantization.Static,
        Calibration = Calibration.Percentile,
        LearnedRounding = true,
        Pruning = Pruning.Structured,
        Sparsity = 0.375,
        SlowerLayers = ["stem", "größe \"1\""],
        FloatNodes = ["scores"],
        IsJudged = true,
        FineTune = FineTune.Distill,
        TrainedWeights = ["3f1a9f6e1c0d5b62a7c4f4f0f3a5b0f6de1f0c1d6a0e3c0f6b0a1d2c3e4f5a6b"],
    };

    [TestMethod]
    public void Has_its_members_in_the_order_in_which_they_are_decided() =>
        Assert.AreEqual("""
            {
              "isSource": true,
              "precision": "Int8",
              "quantization": "Static",
              "calibration": "Percentile",
              "learnedRounding": true,
              "pruning": "Structured",
              "sparsity": 0.375,
              "slowerLayers": [
                "stem",
                "größe \"1\""
              ],
              "floatNodes": [
                "scores"
              ],
              "isJudged": true,
              "fineTune": "Distill",
              "trainedWeights": [
                "3f1a9f6e1c0d5b62a7c4f4f0f3a5b0f6de1f0c1d6a0e3c0f6b0a1d2c3e4f5a6b"
              ]
            }
            """.ReplaceLineEndings("\n"), s_full.ToJson());

    [TestMethod]
    public void Says_only_what_differs_from_the_defaults() => Assert.AreEqual("{}", new PinnedRecipe().ToJson());

    [TestMethod]
    public void Comes_back_as_it_was_written()
    {
        foreach (var recipe in new[] { s_full, new PinnedRecipe(), new PinnedRecipe { FloatNodes = [] }, new PinnedRecipe { Pruning = Pruning.SecondOrder, Sparsity = 0.1 + 0.2 } })
        {
            var read = InFile(recipe).Recipe!;

            Assert.AreEqual(recipe.ToJson(), read.ToJson());
            Assert.AreEqual(recipe.FloatNodes is null, read.FloatNodes is null, "That nothing was chosen is another thing than that nothing stays in float.");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Members))]
    public void No_member_is_forgotten(string member)
    {
        var property = typeof(PinnedRecipe).GetProperty(member)!;
        var recipe = new PinnedRecipe();
        property.SetValue(recipe, property.GetValue(s_full));

        Assert.IsFalse(PinnedRecipe.AreSame(new PinnedRecipe(), recipe));
        Assert.IsTrue(PinnedRecipe.AreSame(recipe, InFile(recipe).Recipe));
    }

    [TestMethod]
    public void Null_is_as_good_as_nothing()
    {
        Assert.IsNull(Read("\"recipe\": null").Recipe);
        Assert.IsNull(Read("\"recipe\": {\n\"floatNodes\": null }").Recipe!.FloatNodes);
    }

    [TestMethod]
    [DataRow("\"recipe\": \"Int8\"", 2, "'recipe' is not an object")]
    [DataRow("\"recipe\": [ ]", 2, "'recipe' is not an object")]
    [DataRow("\"recipe\": {\n\"precision\": \"Int9\" }", 3, "'precision' is not Auto or Float32")]
    [DataRow("\"recipe\": {\n\"precision\": 8 }", 3, "'precision' is not a string")]
    [DataRow("\"recipe\": {\n\"pruning\": \"Some\" }", 3, "'pruning' is not None or Threshold")]
    [DataRow("\"recipe\": {\n\"precision\": \"Int2\",\n\"quantization\": \"Static\" }", 4, "'quantization' is Static, which no recipe with the precision Int2 has")]
    [DataRow("\"recipe\": {\n\"pruning\": \"Threshold\" }", 3, "'pruning' is Threshold, which no search chooses")]
    [DataRow("\"recipe\": {\n\"sparsity\": 1.5 }", 3, "'sparsity' is 1.5, and a share is from 0 to 1")]
    [DataRow("\"recipe\": {\n\"sparsity\": -0.1 }", 3, "'sparsity' is -0.1")]
    [DataRow("\"recipe\": {\n\"sparsity\": \"NaN\" }", 3, "'sparsity' is NaN")]
    [DataRow("\"recipe\": {\n\"sparsity\": true }", 3, "'sparsity' is not a number")]
    [DataRow("\"recipe\": {\n\"floatNodes\": \"scores\" }", 3, "'floatNodes' is not an array")]
    [DataRow("\"recipe\": {\n\"floatNodes\": [ 1 ] }", 3, "'floatNodes' is not an array of strings")]
    [DataRow("\"recipe\": {\n\"slowerLayers\": [ null ] }", 3, "'slowerLayers' is not an array of strings")]
    [DataRow("\"recipe\": {\n\"isJudged\": \"yes\" }", 3, "'isJudged' is not true or false")]
    [DataRow("\"recipe\": {\n\"fineTune\": \"Auto\" }", 3, "'fineTune' is Auto, which is no choice")]
    [DataRow("\"recipe\": {\n\"trainedWeights\": [ \"../../secret\" ] }", 3, "'trainedWeights' has \"../../secret\", which is no SHA-256")]
    public void What_can_not_be_is_said_with_its_line(string recipe, int line, string words)
    {
        var fault = Assert.ThrowsExactly<InvalidDataException>(() => Read(recipe));

        Assert.AreEqual(line, ModelLock.LineOf(fault), fault.Message);
        StringAssert.Contains(fault.Message, words);
    }

    [TestMethod]
    public void Names_of_nodes_and_weights_are_of_one_model() =>
        Assert.AreEqual(new PinnedRecipe { IsSource = true, Precision = Precision.Int8, Quantization = Quantization.Static, Calibration = Calibration.Percentile, LearnedRounding = true, Pruning = Pruning.Structured, Sparsity = 0.375, FineTune = FineTune.Distill }.ToJson(),
            s_full.ForAnotherModel().ToJson());

    private static IEnumerable<string> Members => typeof(PinnedRecipe).GetProperties().Select(property => property.Name);

    private static LockEntry InFile(PinnedRecipe recipe)
    {
        var file = new ModelLock();
        file.Set("digits", "cpu", Locked.Entry(result: result => result.Pinned = recipe));
        return ModelLock.Parse(file.ToJson()).Find("digits", "cpu")!;
    }

    private static LockEntry Read(string recipe) => ModelLock.Parse(
        "{ \"version\": 1, \"models\": { \"digits\": { \"cpu\": { \"source\": \"a\", \"artifact\": \"b\", \"size\": 1,\n" + recipe + " } } } }").Find("digits", "cpu")!;
}
