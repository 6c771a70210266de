using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class DynamicQuantizationTests
{
    private const double Tolerance = 0.03;

    [TestMethod]
    public void Fuses_a_product_with_its_bias_into_one_kernel()
    {
        (Model model, Value x) = Product();
        Value product = model.Graph.Add("MatMul", x, Weight(model, "w", 64, 96));
        model.Graph.AddOutput(model.Graph.Add("Add", product, Weight(model, "b", 96)));

        AssertQuantizes(model, TargetProfiles.CpuX64);

        Dictionary<string, int> operators = OptimizedGraph.Operators(model);
        Assert.HasCount(1, operators);
        Assert.AreEqual(1, operators["DynamicQuantizeMatMul"]);
    }

    [TestMethod]
    public void Measures_an_input_once_that_several_products_read()
    {
        (Model model, Value x) = Product();
        Value a = model.Graph.Add("MatMul", x, Weight(model, "a", 64, 96));
        Value b = model.Graph.Add("MatMul", x, Weight(model, "b", 64, 96));
        model.Graph.AddOutput(model.Graph.Add("Sub", a, b));

        AssertQuantizes(model, TargetProfiles.Cpu);

        Dictionary<string, int> operators = OptimizedGraph.Operators(model);
        Assert.AreEqual(1, operators["DynamicQuantizeLinear"]);
        Assert.AreEqual(2, operators["MatMulIntegerToFloat"]);
    }

    [TestMethod]
    public void Takes_a_gemm_with_transposed_weights_and_factors()
    {
        Model model = Model.Create("gemm", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 4, 64));
        Node gemm = model.Graph.AddNode("Gemm", [x, Weight(model, "w", 96, 64), Weight(model, "b", 1, 96)], name: "g").Set("transB", 1L).Set("alpha", 0.5f).Set("beta", 2f);
        model.Graph.AddOutput(gemm.Output);

        AssertQuantizes(model, TargetProfiles.CpuX64, [4, 64]);
        Assert.AreEqual(1, OptimizedGraph.Operators(model)["DynamicQuantizeMatMul"]);
    }

    [TestMethod]
    public void Stores_seven_bit_weights_for_any_processor()
    {
        (Model model, Value x) = Product();
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, Weight(model, "w", 64, 96)));
        AssertQuantizes(model, TargetProfiles.Cpu);
        Assert.AreEqual(64, model.Graph.Find("w_quantized")!.Initializer!.Span<sbyte>().ToArray().Max(code => Math.Abs((int)code)));
    }

    [TestMethod]
    public void Never_touches_a_model_made_of_convolutions()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Input, "a"));
        AssertRefused(network.Model, "never touches convolutions");
    }

    [TestMethod]
    [DataRow("dtln_model_1.onnx")]
    [DataRow("magika_standard_v3_3.onnx")]
    public void Leaves_a_real_model_alone_whose_work_is_elsewhere(string name) =>
        AssertRefused(Model.Load(RealModels.Require(name)), "never touches convolutions or recurrences");

    [TestMethod]
    [DataRow(7)]
    [DataRow(8)]
    public void Computes_what_the_stored_codes_say(int bits)
    {
        const int rows = 5, inputs = 64, outputs = 96;
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, rows, inputs));
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, Weight(model, "w", inputs, outputs)));
        Assert.IsTrue(new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64 with { WeightBits = bits })).Changed);
        ReadOnlySpan<sbyte> codes = model.Graph.Find("w_quantized")!.Initializer!.Span<sbyte>();
        ReadOnlySpan<float> scales = model.Graph.Find("w_scale")!.Initializer!.Span<float>();
        Tensor sample = Weights.Uniform(new Random(8), [rows, inputs]);
        using ModelSession session = ModelSession.Open(model);
        float[] actual = session.Run([sample])[0].ToSingles();

        // DynamicQuantizeLinear-11: the range holds 0, and 255 steps of it are the unsigned codes.
        ReadOnlySpan<float> values = sample.Span<float>();
        float lowest = Math.Min(0, TensorPrimitives.Min(values)), highest = Math.Max(0, TensorPrimitives.Max(values));
        float scale = (highest - lowest) / 255;
        int zero = (int)MathF.Round(Math.Clamp(-lowest / scale, 0, 255));
        for (int i = 0; i < actual.Length; i++)
        {
            int sum = 0;
            for (int k = 0; k < inputs; k++)
            {
                int code = (int)Math.Clamp(MathF.Round(values[i / outputs * inputs + k] / scale) + zero, 0, 255);
                sum += (code - zero) * codes[k * outputs + i % outputs];
            }

            Assert.AreEqual(sum * (scale * scales[i % outputs]), actual[i], 1e-5f * inputs * scale);
        }
    }

    [TestMethod]
    public void Keeps_small_products_in_float()
    {
        Model model = Model.Create("small", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 8));
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, Weight(model, "w", 8, 8)));
        AssertRefused(model, "No matrix product gains");
    }

    [TestMethod]
    public void Lifts_an_operator_set_that_lacks_dynamic_quantization()
    {
        (Model model, Value x) = Product(opset: 9);
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, Weight(model, "w", 64, 96)));
        AssertQuantizes(model, TargetProfiles.CpuX64);
        Assert.AreEqual(11, model.Opset);
    }

    private static (Model, Value) Product(long opset = 13)
    {
        Model model = Model.Create("product", opset, 7);
        return (model, model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 16, 64)));
    }

    private static Value Weight(Model model, string name, params long[] shape) =>
        model.Graph.AddInitializer(name, Weights.Uniform(new Random(name[0]), shape));

    private static void AssertQuantizes(Model model, TargetProfile target, long[]? shape = null)
    {
        Tensor sample = Weights.Uniform(new Random(5), shape ?? [1, 16, 64]);
        using ModelSession before = ModelSession.Open(model);
        Tensor expected = before.Run([sample])[0];
        PassOutcome outcome = new DynamicQuantization().Apply(model, new PassContext(target));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        using ModelSession after = ModelSession.Open(model);
        Assert.IsLessThan(Tolerance, RealModels.RelativeError(expected, after.Run([sample])[0]));
    }

    private static void AssertRefused(Model model, string reason)
    {
        byte[] bytes = model.ToBytes();
        PassOutcome outcome = new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64));
        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        StringAssert.Contains(outcome.Explanation, reason);
        CollectionAssert.AreEqual(bytes, model.ToBytes());
    }
}
