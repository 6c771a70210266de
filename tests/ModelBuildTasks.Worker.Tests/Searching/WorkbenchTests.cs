using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Searching;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>What is kept of how a trial was made, and how it is made again.</summary>
[TestClass]
public sealed class WorkbenchTests
{
    private static readonly Recipe Integers = new("integers", []) { Settings = new RecipeSettings(Quantization: Quantization.Static, Calibration: Calibration.Entropy) };

    [TestMethod]
    public void What_a_trial_was_taught_is_taught_again_by_its_pin()
    {
        Lessons lessons = new(_ => new AccuracyVerdict(true, ""), new HashSet<string> { "second", "first" });

        PinnedRecipe pinned = Workbench.PinOf(Integers, Prepared(share: 0.25), lessons, Done(["node"]));
        Lessons again = Workbench.LessonsOf(pinned);

        CollectionAssert.AreEqual(new[] { "first", "second" }, pinned.SlowerLayers.ToArray());
        Assert.AreEqual((Quantization.Static, Calibration.Entropy, Pruning.Structured, 0.25, true), (pinned.Quantization, pinned.Calibration, pinned.Pruning, pinned.Sparsity, pinned.IsJudged));
        Assert.IsTrue(again.SlowerInIntegers.SetEquals(lessons.SlowerInIntegers));
        CollectionAssert.AreEqual(new[] { "node" }, again.Pinned!.FloatNodes.ToArray());
        Assert.IsTrue(again.Pinned.IsJudged);
        Assert.IsNull(again.JudgeAccuracy, "Nothing is looked for.");
    }

    [TestMethod]
    public void What_chose_no_nodes_pins_none()
    {
        PinnedRecipe pinned = Workbench.PinOf(Integers, Prepared(share: 0), Lessons.None, Done(null));

        Assert.IsNull(pinned.FloatNodes);
        Assert.IsFalse(pinned.IsJudged);
        Assert.AreEqual(Pruning.None, pinned.Pruning);
        Assert.IsNull(Workbench.LessonsOf(pinned).Pinned);
    }

    [TestMethod]
    public void What_was_made_from_a_pin_has_the_same_pin()
    {
        PinnedRecipe pinned = new() { Quantization = Quantization.Static, Calibration = Calibration.Entropy, FloatNodes = ["node"], SlowerLayers = ["layer"], IsJudged = true };

        Assert.IsTrue(PinnedRecipe.AreSame(pinned, Workbench.PinOf(Integers, Prepared(share: 0), Workbench.LessonsOf(pinned), Done(["node"]))));
    }

    private static PreparedForm Prepared(double share) => new(() => throw new InvalidOperationException("It is not needed."), stepCount: 0, share, Pruning.Structured);

    private static AppliedSteps Done(IReadOnlyList<string>? floatNodes) => new(TargetProfiles.Cpu, (Dataset?)null, new Progress<PipelineProgress>(), CancellationToken.None)
    {
        Quantization = new QuantizationPlan(40, [], [], []) { FloatNodes = floatNodes },
    };
}
