using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>What was chosen once is chosen again, byte for byte, without the search.</summary>
[TestClass]
public sealed class PinnedQuantizationTests
{
    private const int Layers = 5;

    [TestMethod]
    public void What_a_search_returned_to_float_is_pinned_by_its_outputs_and_gives_the_same_bytes()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out Node[] convolutions);
        PassContext context = new(TargetProfiles.CpuX64, network.WithLoudChannel(convolutions[0]));

        QuantizationPlan searched = AssertRepeats(network.Model, context);

        Assert.IsTrue(searched.Layers.Any(layer => layer.Sensitivity is not null));
        Assert.Contains(convolutions[0].Output.Name, searched.FloatNodes!.ToArray());
    }

    [TestMethod]
    [DataRow(RangeMethod.Auto)]
    [DataRow(RangeMethod.MinMax)]
    [DataRow(RangeMethod.Entropy)]
    public void Where_all_computes_in_integers_nothing_is_pinned_and_the_bytes_are_the_same(RangeMethod ranges)
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out _);

        QuantizationPlan searched = AssertRepeats(network.Model, new PassContext(TargetProfiles.CpuX64, network.Samples), ranges);

        Assert.IsEmpty(searched.FloatNodes!);
    }

    // With MinMax, the noise is such that rounding is reconstructed for the judge alone.
    [TestMethod]
    [DataRow(RangeMethod.Auto)]
    [DataRow(RangeMethod.MinMax)]
    public void What_was_judged_is_repeated_without_a_judge(RangeMethod ranges)
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out _);
        int asked = 0;
        PassContext context = new(TargetProfiles.CpuX64, network.Samples)
        {
            JudgeAccuracy = form =>
            {
                asked++;
                return new AccuracyVerdict(IntegerConvolutions(form) <= Layers - 2, "");
            },
        };

        QuantizationPlan searched = AssertRepeats(network.Model, context, ranges);

        Assert.IsGreaterThan(0, asked);
        Assert.IsGreaterThanOrEqualTo(2, searched.FloatNodes!.Count);
    }

    [TestMethod]
    public void Layers_that_were_measured_slower_are_left_out_before_as_they_were()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out Node[] convolutions);
        PassContext context = new(TargetProfiles.CpuX64, network.WithLoudChannel(convolutions[0])) { SlowerInIntegers = new HashSet<string> { "Conv 'conv3'" } };

        QuantizationPlan searched = AssertRepeats(network.Model, context);

        Assert.Contains(convolutions[0].Output.Name, searched.FloatNodes!.ToArray());
        Assert.Contains(convolutions[3].Output.Name, searched.FloatNodes!.ToArray());
    }

    [TestMethod]
    public void For_a_device_without_the_search_the_bytes_are_the_same()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out _);

        AssertRepeats(network.Model, new PassContext(TargetProfiles.TensorRt, network.Samples) { SlowerInIntegers = new HashSet<string> { "Conv 'conv3'" } });
    }

    [TestMethod]
    public void A_node_that_only_the_lock_file_keeps_in_float_says_so()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out Node[] convolutions);
        PassContext context = new(TargetProfiles.CpuX64, network.Samples) { Pinned = new PinnedIntegers([convolutions[2].Output.Name], IsJudged: false) };

        QuantizationPlan plan = new StaticQuantization().Apply(network.Model, context).Plan!;

        Assert.AreEqual("the lock file keeps it in float", plan.Layers.Single(layer => layer.Name == "Conv 'conv2'").Reason);
        Assert.AreEqual(Layers, plan.Layers.Count(layer => layer.IsInteger));
        CollectionAssert.AreEqual((string[])[convolutions[2].Output.Name], plan.FloatNodes!.ToArray());
        Assert.IsNotNull(plan.SignalToNoise);
    }

    [TestMethod]
    public void Pinned_nodes_that_the_model_lacks_are_named_and_change_nothing()
    {
        (SmallNetwork network, SmallNetwork plain) = (SmallNetwork.Chain(Layers, out _), SmallNetwork.Chain(Layers, out _));
        PassContext context = new(TargetProfiles.CpuX64, network.Samples) { Pinned = new PinnedIntegers(["gone"], IsJudged: false) };

        PassOutcome outcome = new StaticQuantization().Apply(network.Model, context);
        plain.Quantize();

        Assert.Contains("The lock file keeps 'gone' in float, which is no node of the model that integer kernels fit; this is ignored.", outcome.Refusals.ToArray());
        CollectionAssert.AreEqual(plain.Model.ToBytes(), network.Model.ToBytes());
    }

    [TestMethod]
    public void With_all_layers_pinned_to_float_the_model_stays_as_it_was()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out _);
        byte[] before = network.Model.ToBytes();
        string[] all = [.. network.Graph.Nodes.Where(node => node.OpType is "Conv" or "Gemm").Select(node => node.Output.Name)];

        PassOutcome outcome = new StaticQuantization().Apply(network.Model, new PassContext(TargetProfiles.CpuX64, network.Samples) { Pinned = new PinnedIntegers(all, IsJudged: false) });

        Assert.IsFalse(outcome.Changed);
        Assert.IsNull(outcome.Plan!.SignalToNoise);
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    [DoNotParallelize]
    [DataRow("mobilenet_v1_0.25_224.onnx")]
    [DataRow("aka_resnet20_cifar10.onnx")]
    [DataRow("ch_ppocr_mobile_v2.0_cls_infer.onnx")]
    [DataRow("squeezenet1.0_imagenet_fp32.onnx")]
    public void A_real_model_is_quantized_again_to_the_same_bytes(string name)
    {
        QuantizationCase model = new(name);
        PassContext context = new(TargetProfiles.Cpu, model.Open(calibration: true).Take(16));

        AssertRepeats(model.Simplified, context);
        AssertRepeats(model.Simplified, context with { JudgeAccuracy = _ => new AccuracyVerdict(false, "") });
    }

    /// <summary>Quantizes with the search, then with what its plan says.</summary>
    /// <returns>The plan of the first.</returns>
    private static QuantizationPlan AssertRepeats(Model model, PassContext context, RangeMethod ranges = RangeMethod.Auto)
    {
        (Model first, Model second) = (model.Clone(), model.Clone());
        PassOutcome searched = new StaticQuantization(ranges).Apply(first, context);
        PinnedIntegers pinned = new(searched.Plan!.FloatNodes!, IsJudged: context.JudgeAccuracy is not null);
        // There is a judge where there was none, and none where there was: what is pinned tells, and nobody is asked.
        Func<Model, AccuracyVerdict>? judge = pinned.IsJudged ? null : _ => throw new AssertFailedException("Nobody is to be asked.");
        PassOutcome repeated = new StaticQuantization(ranges).Apply(second, context with { Pinned = pinned, JudgeAccuracy = judge });

        Assert.AreEqual(searched.Explanation, repeated.Explanation);
        CollectionAssert.AreEqual(searched.Plan.FloatNodes!.ToArray(), repeated.Plan!.FloatNodes!.ToArray());
        Assert.IsTrue(repeated.Plan.Layers.All(layer => layer.Sensitivity is null));
        CollectionAssert.AreEqual(first.ToBytes(), second.ToBytes());
        return searched.Plan;
    }

    private static int IntegerConvolutions(Model form) => form.Graph.Nodes.Count(node => node.OpType == "Conv" && node.Input(1)!.Producer is not null);
}
