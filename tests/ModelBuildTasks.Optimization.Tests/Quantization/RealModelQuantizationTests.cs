using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class RealModelQuantizationTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DoNotParallelize]
    [DataRow("mobilenet_v1_0.25_224.onnx", 0.85)]
    [DataRow("squeezenet1.0_imagenet_fp32.onnx", 0.85)]
    [DataRow("aka_resnet20_cifar10.onnx", 0.85)]
    [DataRow("magika_standard_v3_3.onnx", 0.97)]
    [DataRow("ch_ppocr_mobile_v2.0_cls_infer.onnx", 0.97)]
    [DataRow("mnist8_cntk.onnx", 0.99)]
    [DataRow("digits_mlp.onnx", 0.98)]
    [DataRow("ultraface_RFB-320.onnx", 0.7)]
    public void Quantizes_a_real_model_that_still_answers_alike(string name, double leastAgreement)
    {
        foreach (TargetProfile target in new[] { TargetProfiles.CpuX64, TargetProfiles.Cpu })
        {
            QuantizationCase model = new(name);
            PassOutcome outcome = model.Quantize(target);

            Agreement agreement = model.Compare();

            Console.WriteLine($"{name} {target}: {outcome.Explanation}\n  {agreement}\n  {string.Join("\n  ", outcome.Refusals)}");
            Assert.IsGreaterThanOrEqualTo(leastAgreement, agreement.Top1, outcome.Explanation);
        }
    }

    [TestMethod]
    [DoNotParallelize]
    [DataRow("digits_mlp.onnx", 0.98)]
    [DataRow("fashion_mlp_bstollnitz.onnx", 0.97)]
    public void Quantizes_the_products_of_a_real_model_dynamically(string name, double leastAgreement)
    {
        foreach (TargetProfile target in new[] { TargetProfiles.CpuX64, TargetProfiles.Cpu })
        {
            QuantizationCase model = new(name);
            PassOutcome outcome = model.QuantizeDynamically(target);

            Console.WriteLine($"{name} {target}: {outcome.Explanation}\n  {string.Join("\n  ", outcome.Refusals)}");
            Assert.IsTrue(outcome.Changed, outcome.Explanation);
            Agreement agreement = model.Compare();
            Console.WriteLine($"  {agreement}");
            Assert.IsGreaterThanOrEqualTo(leastAgreement, agreement.Top1);
        }
    }
}
