using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class MixedPrecisionTests
{
    private const int Layers = 5;

    [TestMethod]
    public void A_layer_left_in_float_between_integers_is_not_quantized_by_the_runtime()
    {
        // Trap: ONNX Runtime quantizes the weights of a float Conv between DequantizeLinear and QuantizeLinear, with one scale for the whole tensor.
        SmallNetwork network = SmallNetwork.Chain(Layers, out Node[] convolutions);
        CalibratedModel calibrated = new(network.Model, new PassContext(TargetProfiles.CpuX64, network.Samples), RangeMethod.MinMax, QuantizedWeight.Nearest);
        FloatNodes inFloat = new();
        inFloat.Add(convolutions[2], "the test wants it");

        Dictionary<string, int> operators = OptimizedGraph.Operators(calibrated.Form(calibrated.All(inFloat)));

        Assert.AreEqual(Layers - 1, operators["QLinearConv"]);
    }

    [TestMethod]
    public void The_layer_that_integers_ruin_returns_to_float_and_says_what_it_costs()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out Node[] convolutions);
        ListedSamples samples = network.WithLoudChannel(convolutions[0]);
        PassContext context = new(TargetProfiles.CpuX64, samples);
        CalibratedModel calibrated = new(network.Model.Clone(), context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        FidelityProbe probe = FidelityProbe.Create(network.Model, samples, calibrated.Candidates.ShapeOf)!;
        MeasuredChoice plain = MeasuredChoice.Of(calibrated, calibrated.Fastest(new FloatNodes()), probe);

        MeasuredChoice best = MixedPrecisionSearch.Improve(calibrated, plain, probe, context, []);

        StringAssert.Contains(string.Join('\n', best.Choice.InFloat.Explain(calibrated.Candidates)), $"'{convolutions[0].Name}' stays in float: integers would take");
        Assert.IsGreaterThan(plain.Noise.Decibels + 3, best.Noise.Decibels);
    }

    [TestMethod]
    public void Where_the_accuracy_is_asked_for_no_more_returns_to_float_than_keeps_it()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out _);
        PassContext context = new(TargetProfiles.CpuX64, network.Samples);
        CalibratedModel calibrated = new(network.Model.Clone(), context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        FidelityProbe probe = FidelityProbe.Create(network.Model, network.Samples, calibrated.Candidates.ShapeOf)!;
        MeasuredChoice plain = MeasuredChoice.Of(calibrated, calibrated.Fastest(new FloatNodes()), probe);

        int WithBudget(double decibels) => MixedPrecisionSearch.Improve(calibrated, plain, probe, context with { JudgeAccuracy = form => new AccuracyVerdict(probe.Measure(form).Decibels >= decibels, "") }, [])
            .Choice.Selection.Layers.Count;

        int tight = WithBudget(plain.Noise.Decibels + 3);
        Assert.AreEqual(plain.Choice.Selection.Layers.Count, WithBudget(plain.Noise.Decibels));
        Assert.IsLessThan(plain.Choice.Selection.Layers.Count, tight);
        Assert.IsGreaterThan(0, tight);
    }

    [TestMethod]
    public void A_form_that_does_not_run_is_told_as_the_runtime_tells_it()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out _);
        PassContext context = new(TargetProfiles.CpuX64, network.Samples) { JudgeAccuracy = _ => new AccuracyVerdict(true, "") };
        CalibratedModel calibrated = new(network.Model.Clone(), context, RangeMethod.MinMax, QuantizedWeight.Nearest);
        MeasuredChoice plain = MeasuredChoice.Of(calibrated, calibrated.Fastest(new FloatNodes()), FidelityProbe.Create(network.Model, network.Samples, calibrated.Candidates.ShapeOf)!);
        SmallNetwork larger = new(shape: [1, SmallNetwork.Channels, 8, 8]);
        larger.Output(larger.Graph.Add("Relu", larger.Input));
        FidelityProbe foreign = FidelityProbe.Create(larger.Model, larger.Samples, _ => [1, SmallNetwork.Channels, 8, 8])!;

        Assert.ThrowsExactly<InferenceException>(() => MixedPrecisionSearch.Improve(calibrated, plain, foreign, context, []));
    }

    [TestMethod]
    public void A_form_made_beside_the_model_is_the_one_that_the_model_becomes()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out _);
        CalibratedModel calibrated = new(network.Model, new PassContext(TargetProfiles.CpuX64, network.Samples), RangeMethod.MinMax, QuantizedWeight.Nearest);
        QuantizationChoice choice = calibrated.Fastest(new FloatNodes());

        byte[] form = calibrated.Form(choice).ToBytes();
        calibrated.Apply(choice);

        CollectionAssert.AreEqual(network.Model.ToBytes(), form);
    }

    [TestMethod]
    public void The_plan_tells_of_every_layer_and_of_every_tensor_between_integers()
    {
        SmallNetwork network = SmallNetwork.Chain(Layers, out Node[] convolutions);

        QuantizationPlan plan = network.Quantize().Plan!;

        Assert.HasCount(Layers + 1, plan.Layers);
        Assert.IsTrue(plan.Layers.All(layer => layer.IsInteger == (layer.Reason is null)));
        PlannedTensor input = plan.Tensors.Single(tensor => tensor.Name == "x");
        Assert.AreEqual(-1, input.Lowest, 0.05);
        Assert.AreEqual(1, input.Highest, 0.05);
        Assert.AreEqual((input.Highest - input.Lowest) / 255, input.Scale, 1e-6);
        Assert.AreEqual("y", plan.Outputs.Single().Name);
    }
}
