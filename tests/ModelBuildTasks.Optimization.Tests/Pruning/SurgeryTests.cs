using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class SurgeryTests
{
    [TestMethod]
    [DataRow(0.5)]
    [DataRow(0.9)]
    public void Reaches_the_share_in_each_layer(double sparsity)
    {
        SmallNetwork network = SampledPruning.Convolutions();

        PassOutcome outcome = new Surgery(sparsity, PruningScope.Local).Apply(network.Model, SampledPruning.Context(network.Samples));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.AreEqual(sparsity, SampledPruning.Sparsity(network.Model, "first.w"), 1e-3);
        Assert.AreEqual(sparsity, SampledPruning.Sparsity(network.Model, "second.w"), 1e-3);
    }

    [TestMethod]
    public void Says_how_many_weights_came_back()
    {
        (Model model, Dataset samples) = SampledPruning.Real("mnist8_cntk.onnx", "datasets", "mnist", "calib1k-images.idx.gz");

        PassOutcome outcome = new Surgery(0.7).Apply(model, SampledPruning.Context(samples));

        StringAssert.Matches(outcome.Explanation, new System.Text.RegularExpressions.Regex(@" [1-9]\d* weights were spliced back on the way\.$"));
    }

    [TestMethod]
    [DataRow("mnist8_cntk.onnx", "mnist", "calib1k-images.idx.gz")]
    [DataRow("digits_mlp.onnx", "digits", "train_x.idx.gz")]
    public void Loses_no_more_at_a_higher_sparsity_than_magnitude_pruning_with_refit(string name, string folder, string file)
    {
        (Model model, Dataset samples) = SampledPruning.Real(name, "datasets", folder, file);
        Model refitted = model.Clone();
        Model operated = model.Clone();

        new Reconstruction(new MagnitudePruning(0.65, PruningScope.Local)).Apply(refitted, SampledPruning.Context(samples));
        new Surgery(0.7, PruningScope.Local).Apply(operated, SampledPruning.Context(samples));

        Assert.IsLessThanOrEqualTo(SampledPruning.Error(model, refitted, samples), SampledPruning.Error(model, operated, samples));
    }

    [TestMethod]
    public void Without_samples_it_refuses_and_says_why()
    {
        PassOutcome outcome = new Surgery(0.5).Apply(SampledPruning.Convolutions().Model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("needs calibration samples", outcome.Explanation);
    }

    [TestMethod]
    [DataRow(-0.1)]
    [DataRow(double.NaN)]
    public void A_sparsity_is_a_share(double sparsity) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new Surgery(sparsity));
}
