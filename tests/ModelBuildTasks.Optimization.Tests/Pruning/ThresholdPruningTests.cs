using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public class ThresholdPruningTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cpu);

    [TestMethod]
    public void Zeroes_every_weight_up_to_the_threshold_and_no_other()
    {
        Model model = MagnitudePruningTests.TwoLayers((i, _) => i % 2 == 0 ? 0.5f : -0.5f, (i, _) => 0.5f + i);

        PassOutcome outcome = new ThresholdPruning(0.5).Apply(model, Context);

        Assert.IsTrue(MagnitudePruningTests.Weights(model, "W1").All(w => w == 0));
        Assert.AreEqual(1, MagnitudePruningTests.Weights(model, "W2").Count(w => w == 0));
        Assert.Contains("first 1024/1024, second 1/1024", outcome.Explanation);
    }

    [TestMethod]
    public void Refuses_when_no_weight_is_that_small()
    {
        PassOutcome outcome = new ThresholdPruning(0.1).Apply(MagnitudePruningTests.TwoLayers((_, _) => 1, (_, _) => 1), Context);

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("0.1", outcome.Explanation);
    }

    [TestMethod]
    public void A_threshold_is_not_negative() => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ThresholdPruning(-1));
}
