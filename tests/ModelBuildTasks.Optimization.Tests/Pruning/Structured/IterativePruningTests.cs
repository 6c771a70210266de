using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;
using ModelBuildTasks.Optimization.Tests.Training;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

[TestClass]
public sealed class IterativePruningTests
{
    private static readonly TrainingPlan Plan = new() { DefaultSteps = 200, LearningRate = 0.003f, Threads = 1 };

    private readonly string folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    [TestCleanup]
    public void Remove()
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void Removes_the_share_in_rounds_and_comes_nearer_to_the_model_than_at_once_without_training()
    {
        CoupledGraph network = Network();
        ListedSamples samples = Samples(network, 64);
        (Model trained, Model untrained) = (network.Model.Clone(), network.Model.Clone());

        PassOutcome outcome = new IterativePruning(samples, Plan, 0.5).Apply(trained, SampledPruning.Context(samples));
        new StructuredPruning(0.5).Apply(untrained, SampledPruning.Context(samples));

        Assert.Contains("64 of 128 channels went, rounds: 3", outcome.Explanation);
        Assert.IsNull(outcome.Untrained);
        Assert.AreEqual(64, Channels(trained, "first") + Channels(trained, "second"));
        Assert.IsLessThan(SampledPruning.Error(network.Model, untrained, samples), SampledPruning.Error(network.Model, trained, samples));
    }

    [TestMethod]
    public void A_layer_keeps_a_quarter_of_the_channels_that_it_had_before_all_rounds()
    {
        CoupledGraph network = Network();
        ListedSamples samples = Samples(network, 8);

        new IterativePruning(samples, Plan with { DefaultSteps = 8 }, 1).Apply(network.Model, SampledPruning.Context(samples));

        Assert.AreEqual(16, Channels(network.Model, "first"));
        Assert.AreEqual(16, Channels(network.Model, "second"));
    }

    [TestMethod]
    public void Without_samples_to_learn_from_it_prunes_at_once_and_says_why()
    {
        CoupledGraph network = Network();

        PassOutcome outcome = new IterativePruning(new ListedSamples(), Plan, 0.5).Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.StartsWith("Nothing was trained: There is no sample to learn from. 64 of 128 channels removed", outcome.Explanation);
    }

    [TestMethod]
    public void Training_that_brings_nothing_is_told()
    {
        CoupledGraph network = Network();
        ListedSamples samples = Samples(network, 64);

        PassOutcome outcome = new IterativePruning(samples, Plan with { LearningRate = 1e-12f, Averaging = 0.999999f, DefaultSteps = 4, WeightDecay = 0 }, 0.5).Apply(network.Model, SampledPruning.Context(samples));

        Assert.IsTrue(outcome.Changed);
        Assert.IsNotNull(outcome.Untrained);
    }

    [TestMethod]
    public void Calibration_samples_are_not_needed_beside_those_to_learn_from()
    {
        CoupledGraph network = Network();

        PassOutcome outcome = new IterativePruning(Samples(network, 8), Plan with { DefaultSteps = 8 }, 0.25).Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.AreEqual(96, Channels(network.Model, "first") + Channels(network.Model, "second"));
    }

    [TestMethod]
    public void One_sample_is_enough()
    {
        CoupledGraph network = Network();

        Assert.IsTrue(new IterativePruning(Samples(network, 1), Plan with { DefaultSteps = 8 }, 0.25).Apply(network.Model, new PassContext(TargetProfiles.CpuX64)).Changed);
    }

    [TestMethod]
    public void A_share_that_removes_no_channel_is_refused_and_the_model_stays()
    {
        CoupledGraph network = Network();
        byte[] before = network.Model.ToBytes();

        PassOutcome outcome = new IterativePruning(Samples(network, 8), Plan, 0.01).Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsFalse(outcome.Changed);
        Assert.AreEqual("A sparsity of 0.01 removes none of 128 channels.", outcome.Explanation);
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    public void Layers_that_are_named_stay_whole()
    {
        CoupledGraph network = Network();

        new IterativePruning(Samples(network, 8), Plan with { DefaultSteps = 8 }, 0.5, new ExcludedLayers(["first"])).Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.AreEqual(64, Channels(network.Model, "first"));
    }

    [TestMethod]
    public void Goes_on_after_a_kill_with_the_rounds_before_as_they_were()
    {
        CoupledGraph network = Network();
        ListedSamples samples = Samples(network, 64);
        TrainingPlan kept = Plan with { CheckpointPath = Path.Combine(folder, "training") };
        Model whole = network.Model.Clone();
        new IterativePruning(samples, Plan, 0.5).Apply(whole, SampledPruning.Context(samples));
        using CancellationTokenSource kill = new();
        PassContext killed = SampledPruning.Context(samples) with { CancellationToken = kill.Token, Training = new Told(progress => { if (progress.Share > 0.2) { kill.Cancel(); } }) };
        Assert.ThrowsExactly<OperationCanceledException>(() => new IterativePruning(samples, kept, 0.5).Apply(network.Model.Clone(), killed));

        List<double> shares = [];
        Model resumed = network.Model.Clone();
        new IterativePruning(samples, kept, 0.5).Apply(resumed, SampledPruning.Context(samples) with { Training = new Told(progress => shares.Add(progress.Share)) });

        CollectionAssert.AreEqual(whole.ToBytes(), resumed.ToBytes());
        Assert.IsGreaterThan(0.2, shares[0], "two rounds were trained before the kill");
        Assert.IsEmpty(Directory.GetFiles(folder));
    }

    [TestMethod]
    public void Where_rounds_would_take_too_long_the_second_removes_all_that_is_left()
    {
        CoupledGraph network = Network();
        ListedSamples samples = Samples(network, 64);

        PassOutcome outcome = new IterativePruning(samples, Plan with { Limit = TimeSpan.FromTicks(1) }, 0.5).Apply(network.Model, SampledPruning.Context(samples));

        Assert.Contains("64 of 128 channels went, rounds: 2", outcome.Explanation);
    }

    [TestMethod]
    [DataRow(1, 2)]
    [DataRow(5, 10)]
    [DataRow(20, 40)]
    public void All_rounds_together_have_the_epochs_of_the_plan(int epochs, int steps)
    {
        CoupledGraph network = Network();
        // Nothing is held out of few samples, and 9 of them are two batches.
        ListedSamples samples = Samples(network, 9);
        int told = 0;

        new IterativePruning(samples, Plan with { Epochs = epochs, BatchSize = 5, Looks = 1000, Patience = 1000 }, 0.5).Apply(network.Model, SampledPruning.Context(samples) with { Training = new Told(_ => told++) });

        Assert.AreEqual(steps, told);
    }

    [TestMethod]
    public void Samples_that_are_not_finite_are_refused()
    {
        CoupledGraph network = Network();
        Tensor broken = Tensor.Create([1, 3, 4, 4], Enumerable.Repeat(float.NaN, 48).ToArray());

        PassOutcome outcome = new IterativePruning(new ListedSamples(broken), Plan, 0.5).Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("not finite", outcome.Explanation);
    }

    [TestMethod]
    [DataRow(1.1)]
    [DataRow(double.NaN)]
    public void A_sparsity_is_a_share(double sparsity) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new IterativePruning(new ListedSamples(), Plan, sparsity));

    private static CoupledGraph Network() => CoupledGraph.From([1, 3, 4, 4], (g, x) =>
        g.Conv(g.Add("Relu", g.Conv(g.Add("Relu", g.Conv(x, 3, 64, 3, name: "first")), 64, 64, 1, name: "second")), 64, 4));

    private static ListedSamples Samples(CoupledGraph network, int count) => new([.. Enumerable.Range(0, count).Select(_ => network.Numbers(1, 3, 4, 4))]);

    private static long Channels(Model model, string name) => model.Graph.Nodes.Single(node => node.Name == name).Input(1)!.Constant!.Dimensions[0];
}
