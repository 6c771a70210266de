using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class SecondOrderPruningTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(4)]
    public void Local_scope_takes_the_share_from_each_layer(int groups)
    {
        SmallNetwork network = SampledPruning.Convolutions(groups);

        PassOutcome outcome = new SecondOrderPruning(0.5, PruningScope.Local).Apply(network.Model, SampledPruning.Context(network.Samples));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.AreEqual(0.5, SampledPruning.Sparsity(network.Model, "first.w"), 1e-4);
        Assert.AreEqual(0.5, SampledPruning.Sparsity(network.Model, "second.w"), 1e-3);
    }

    [TestMethod]
    public void Global_scope_takes_it_from_all_together()
    {
        SmallNetwork network = SampledPruning.Convolutions();

        new SecondOrderPruning(0.6).Apply(network.Model, SampledPruning.Context(network.Samples));

        Assert.AreEqual(0.6, SampledPruning.Sparsity(network.Model, "first.w", "second.w"), 1e-3);
    }

    [TestMethod]
    public void Small_layers_are_left_whole_and_say_so()
    {
        SmallNetwork network = SampledPruning.Convolutions();

        PassOutcome outcome = new SecondOrderPruning(0.5).Apply(network.Model, SampledPruning.Context(network.Samples));

        Assert.AreEqual(0, SampledPruning.Sparsity(network.Model, "classes.w"));
        Assert.Contains("'classes' is not pruned: it has 320 weights", string.Join("\n", outcome.Refusals));
    }

    [TestMethod]
    [DataRow("mnist8_cntk.onnx", "mnist", "calib1k-images.idx.gz")]
    [DataRow("digits_mlp.onnx", "digits", "train_x.idx.gz")]
    public void The_result_of_every_pruned_layer_of_a_real_model_errs_at_most_half_as_much_as_by_magnitude(string name, string folder, string file)
    {
        (Model model, Inference.Data.Dataset samples) = SampledPruning.Real(name, "datasets", folder, file);
        Model byMagnitude = model.Clone();
        Model bySurgeon = model.Clone();
        PassContext context = SampledPruning.Context(samples);

        new MagnitudePruning(0.5, PruningScope.Local).Apply(byMagnitude, context);
        PassOutcome outcome = new SecondOrderPruning(0.5, PruningScope.Local).Apply(bySurgeon, context);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        foreach (string result in PrunableWeights.Find(model, ExcludedLayers.None, []).Select(layer => layer.Layer.Output.Name))
        {
            Assert.IsLessThanOrEqualTo(0.5 * SampledPruning.Error(model, byMagnitude, samples, result), SampledPruning.Error(model, bySurgeon, samples, result), result);
        }
    }

    [TestMethod]
    public void A_share_of_less_than_one_weight_does_nothing_and_says_so()
    {
        SmallNetwork network = SampledPruning.Convolutions();
        byte[] before = network.Model.ToBytes();

        PassOutcome outcome = new SecondOrderPruning(1e-6).Apply(network.Model, SampledPruning.Context(network.Samples));

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("removed no weight of 2 layers", outcome.Explanation);
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    public void Without_samples_it_refuses_and_says_why()
    {
        SmallNetwork network = SampledPruning.Convolutions();
        byte[] before = network.Model.ToBytes();

        PassOutcome outcome = new SecondOrderPruning(0.5).Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("needs calibration samples", outcome.Explanation);
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    public void Samples_that_make_no_finite_numbers_leave_the_model_as_it_was()
    {
        SmallNetwork network = SampledPruning.Convolutions();
        byte[] before = network.Model.ToBytes();
        float[] broken = new float[32 * 16 * 16];
        broken[7] = float.NaN;

        PassOutcome outcome = new SecondOrderPruning(0.5).Apply(network.Model, SampledPruning.Context(new ListedSamples(Tensor.Create(SmallNetwork.InputShape, broken))));

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("not finite", outcome.Explanation);
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    public void Samples_that_are_always_zero_remove_nothing()
    {
        SmallNetwork network = new();
        network.Output(network.Graph.AddNode("Conv", [network.Input, network.Weight("w", 32, 32, 3, 3)], name: "alone").Output);
        float[] before = MagnitudePruningTests.Weights(network.Model, "w");

        new SecondOrderPruning(0.5).Apply(network.Model, SampledPruning.Context(new ListedSamples(Tensor.Create(SmallNetwork.InputShape, new float[32 * 16 * 16]))));

        CollectionAssert.AreEqual(before, MagnitudePruningTests.Weights(network.Model, "w"));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(8)]
    public void Gives_the_same_bytes_each_time(int groups)
    {
        SmallNetwork network = SampledPruning.Convolutions(groups);
        Model again = network.Model.Clone();

        Assert.IsTrue(new SecondOrderPruning(0.5).Apply(network.Model, SampledPruning.Context(network.Samples)).Changed);
        new SecondOrderPruning(0.5).Apply(again, SampledPruning.Context(network.Samples));

        CollectionAssert.AreEqual(network.Model.ToBytes(), again.ToBytes());
    }

    [TestMethod]
    [DataRow(-0.1)]
    [DataRow(1.1)]
    [DataRow(double.NaN)]
    public void A_sparsity_is_a_share(double sparsity) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SecondOrderPruning(sparsity));
}
