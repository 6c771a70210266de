using ModelBuildTasks.Benchmarks;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

/// <summary>float16 on real models and data, with every result rounded: the root mean square error of each output is at most 2 % of its standard deviation, and none overflows.</summary>
[TestClass]
public sealed class Float16FidelityTests
{
    private const double MostError = 0.02;

    private const int Samples = 60;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow("mobilenet_v1_0.25_224.onnx")]
    [DataRow("squeezenet1.0_imagenet_fp32.onnx")]
    [DataRow("aka_resnet20_cifar10.onnx")]
    [DataRow("magika_standard_v3_3.onnx")]
    [DataRow("ch_ppocr_mobile_v2.0_cls_infer.onnx")]
    [DataRow("mnist8_cntk.onnx")]
    [DataRow("digits_mlp.onnx")]
    [DataRow("fashion_mlp_bstollnitz.onnx")]
    [DataRow("ultraface_RFB-320.onnx")]
    [DataRow("winml_iris.onnx")]
    public void The_outputs_differ_by_two_percent_at_most(string name)
    {
        QuantizationCase model = new(name);
        Model half = model.Simplified.Clone();
        PassOutcome outcome = new Float16Conversion().Apply(half, new PassContext(TargetProfiles.Cuda, model.Open(calibration: true)));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);

        double error = Error(model, half);

        TestContext.WriteLine($"{error:0.0000}; {outcome.Explanation}\n{string.Join("\n", outcome.Refusals)}");
        Assert.IsLessThanOrEqualTo(MostError, error);
    }

    [TestMethod]
    public void Depthwise_weights_that_cancel_one_another_stay_float32()
    {
        QuantizationCase model = new("mobilenet_v1_0.25_224.onnx");
        Model all = model.Simplified.Clone();
        new Float16Conversion().Apply(all, new PassContext(TargetProfiles.Cuda));
        Model mixed = model.Simplified.Clone();
        new Float16Conversion().Apply(mixed, new PassContext(TargetProfiles.Cuda, model.Open(calibration: true)));

        Assert.IsLessThan(0.9 * Error(model, all), Error(model, mixed));
        int layers = mixed.Graph.Nodes.Count(node => node.OpType == "Conv");
        int inSingle = mixed.Graph.Nodes.Count(node => node.OpType == "Conv" && node.Inputs[1]!.Constant!.ElementType == ElementType.Float);
        Assert.IsGreaterThan(0, inSingle);
        Assert.IsLessThanOrEqualTo(layers / 4, inSingle);
    }

    [TestMethod]
    public void What_would_overflow_on_real_data_stays_float32()
    {
        QuantizationCase model = new("magika_standard_v3_3.onnx");
        Model unseen = model.Simplified.Clone();
        new Float16Conversion().Apply(unseen, new PassContext(TargetProfiles.Cuda));
        Model seen = model.Simplified.Clone();
        PassOutcome outcome = new Float16Conversion().Apply(seen, new PassContext(TargetProfiles.Cuda, model.Open(calibration: true)));

        TestContext.WriteLine($"{Error(model, unseen)}, {Error(model, seen)}\n{string.Join("\n", outcome.Refusals)}");
        Assert.IsGreaterThan(MostError, Error(model, unseen));
        Assert.IsLessThan(MostError, Error(model, seen));
        Assert.IsTrue(outcome.Refusals.Any(reason => reason.Contains("on the calibration samples", StringComparison.Ordinal)));
    }

    private static double Error(QuantizationCase model, Model half)
    {
        using ModelSession original = ModelSession.Open(model.Source);
        using ModelSession rounded = ModelSession.Open(Float16Emulation.Of(half)!);
        double error = OutputError.Worst(original, rounded, model.Open(calibration: false).Read().Take(Samples));
        return double.IsNaN(error) ? double.PositiveInfinity : error;
    }
}
