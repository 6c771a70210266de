using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Conversion.Releases;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

[TestClass]
public sealed class Int4StorageTests
{
    [TestMethod]
    public void Weights_of_four_bits_are_stored_in_half_the_bytes_and_compute_the_same()
    {
        Model wide = Quantized();
        Model narrow = wide.Clone();
        PassOutcome outcome = new Int4Storage().Apply(narrow, new PassContext(TargetProfiles.CpuX64));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);

        CollectionAssert.AreEqual(Run(wide), Run(narrow));
        long weights = 2 * 32 * 32 * 9;
        Assert.IsLessThan(wide.ToBytes().Length - (weights / 2) + 512, narrow.ToBytes().Length);
    }

    [TestMethod]
    public void Stays_in_integer_kernels()
    {
        Model model = Quantized();
        new Int4Storage().Apply(model, new PassContext(TargetProfiles.CpuX64));
        Dictionary<string, int> operators = OptimizedGraph.Operators(model);
        Assert.AreEqual(2, operators["QLinearConv"]);
        CollectionAssert.DoesNotContain(operators.Keys, "Cast");
    }

    [TestMethod]
    public void Weights_of_more_bits_stay_as_they_are()
    {
        SmallNetwork network = SmallNetwork.Chain(2, out _);
        network.Quantize();
        byte[] before = network.Model.ToBytes();
        Assert.IsFalse(new Int4Storage().Apply(network.Model, new PassContext(TargetProfiles.CpuX64)).Changed);
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    public void An_operator_that_means_something_else_in_the_newer_set_keeps_the_model_as_it_is()
    {
        Model model = Quantized();
        Graph graph = model.Graph;
        Value pooled = graph.AddNode("AveragePool", [graph.Inputs[0]]).Set("kernel_shape", [3L, 3]).Set("ceil_mode", 1L).Output;
        graph.AddOutput(pooled);
        byte[] before = model.ToBytes();
        PassOutcome outcome = new Int4Storage().Apply(model, new PassContext(TargetProfiles.CpuX64));
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Explanation, "AveragePool", StringComparison.Ordinal);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void A_release_that_casts_no_int4_gets_eight_bits()
    {
        Model model = Quantized();
        float[] expected = Run(model);
        new Int4Storage().Apply(model, new PassContext(TargetProfiles.CpuX64));
        (IReadOnlyList<string> done, string? refusal) = ReleaseFit.Apply(model, RuntimeRelease.Find("1.20.1")!);
        Assert.IsNull(refusal);
        Assert.IsGreaterThan(0, done.Count);
        Assert.IsFalse(model.Graph.Initializers.Any(value => value.Initializer!.ElementType == ElementType.Int4));
        CollectionAssert.AreEqual(expected, Run(model));
    }

    private static Model Quantized()
    {
        SmallNetwork network = SmallNetwork.Chain(2, out _);
        PassOutcome outcome = new StaticQuantization { WeightBits = 4 }.Apply(network.Model, new PassContext(TargetProfiles.CpuX64, network.Samples));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        return network.Model;
    }

    private static float[] Run(Model model)
    {
        using ModelSession session = ModelSession.Open(model);
        return session.Run([ListedSamples.Random(SmallNetwork.InputShape, 1).Read().First().Inputs[0]])[0].ToSingles();
    }
}
