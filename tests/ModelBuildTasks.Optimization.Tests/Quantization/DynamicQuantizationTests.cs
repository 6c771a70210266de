using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
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
        Value product = model.Graph.Add("MatMul", x, Weight(model, "w", 256, 192));
        model.Graph.AddOutput(model.Graph.Add("Add", product, Weight(model, "b", 192)));

        AssertQuantizes(model, TargetProfiles.CpuX64);

        Dictionary<string, int> operators = OptimizedGraph.Operators(model);
        Assert.HasCount(1, operators);
        Assert.AreEqual(1, operators["DynamicQuantizeMatMul"]);
    }

    [TestMethod]
    public void Gives_the_same_bytes_each_time()
    {
        (Model model, Value x) = Product();
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, Weight(model, "w", 256, 192)));
        Model again = model.Clone();

        Assert.IsTrue(new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64)).Changed);
        new DynamicQuantization().Apply(again, new PassContext(TargetProfiles.CpuX64));

        CollectionAssert.AreEqual(model.ToBytes(), again.ToBytes());
    }

    [TestMethod]
    public void Measures_an_input_once_that_several_products_read()
    {
        (Model model, Value x) = Product();
        Value a = model.Graph.Add("MatMul", x, Weight(model, "a", 256, 192));
        Value b = model.Graph.Add("MatMul", x, Weight(model, "b", 256, 192));
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
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 16, 256));
        Node gemm = model.Graph.AddNode("Gemm", [x, Weight(model, "w", 192, 256), Weight(model, "b", 1, 192)], name: "g").Set("transB", 1L).Set("alpha", 0.5f).Set("beta", 2f);
        model.Graph.AddOutput(gemm.Output);

        AssertQuantizes(model, TargetProfiles.CpuX64, [16, 256]);
        Assert.AreEqual(1, OptimizedGraph.Operators(model)["DynamicQuantizeMatMul"]);
    }

    [TestMethod]
    public void Stores_seven_bit_weights_for_any_processor()
    {
        (Model model, Value x) = Product();
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, Weight(model, "w", 256, 192)));
        AssertQuantizes(model, TargetProfiles.Cpu);
        Assert.AreEqual(64, model.Graph.Find("w_quantized")!.Initializer!.Span<sbyte>().ToArray().Max(code => Math.Abs((int)code)));
    }

    [TestMethod]
    public void Keeps_seven_bits_where_two_products_share_weights_which_ONNX_Runtime_could_not_load_otherwise()
    {
        (Model model, Value x) = Product();
        Value w = Weight(model, "w", 256, 256);
        model.Graph.AddOutput(model.Graph.Add("MatMul", model.Graph.Add("Relu", model.Graph.Add("MatMul", x, w)), w));
        AssertQuantizes(model, TargetProfiles.CpuX64);
        Assert.AreEqual(64, model.Graph.Find("w_quantized")!.Initializer!.Span<sbyte>().ToArray().Max(code => Math.Abs((int)code)));
    }

    [TestMethod]
    public void Products_of_like_size_have_zero_points_of_their_own_as_ONNX_Runtime_could_not_make_weights_unsigned_otherwise()
    {
        (Model model, Value x) = Product();
        model.Graph.AddOutput(model.Graph.Add("MatMul", model.Graph.Add("Relu", model.Graph.Add("MatMul", x, Weight(model, "w", 256, 256))), Weight(model, "v", 256, 256)));
        AssertQuantizes(model, TargetProfiles.CpuX64);

        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.CpuX64));

        Value[] integers = [.. model.Graph.Initializers.Where(value => value.Initializer!.ElementType == ElementType.Int8)];
        Assert.HasCount(4, integers);
        Assert.IsTrue(integers.All(value => value.Uses.Count == 1));
    }

    [TestMethod]
    public void Never_touches_a_model_made_of_convolutions()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Input, "a"));
        AssertRefused(network.Model, "convolutions with ranges measured at each run are several times slower (1)");
    }

    [TestMethod]
    public void Leaves_a_real_model_alone_whose_products_are_too_small()
    {
        Model model = Model.Load(RealModels.Require("winml_iris.onnx"));
        PassOutcome outcome = new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64));
        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        StringAssert.Contains(string.Join("\n", outcome.Refusals), "measuring the range costs more than integers save");
    }

    [TestMethod]
    public void Enters_the_branches_of_an_If()
    {
        (Model model, Value x) = Product();
        Value condition = model.Graph.AddInput("c", new TensorType(ElementType.Bool, 1));
        Value shared = Weight(model, "w", 256, 192);
        model.Graph.AddOutput(Branches.AddIf(condition, branch => branch.Add("MatMul", x, shared), branch => branch.Add("MatMul", x, Weight(branch, "v", 256, 192))));
        Tensor sample = Weights.Uniform(new Random(5), [1, 16, 256]);
        using ModelSession before = ModelSession.Open(model);

        PassOutcome outcome = new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64));

        StringAssert.Contains(outcome.Explanation, "2 matrix products");
        using ModelSession after = ModelSession.Open(model);
        foreach (bool taken in new[] { true, false })
        {
            Tensor choice = Tensor.Vector(taken);
            Assert.IsLessThan(Tolerance, RealModels.RelativeError(before.Run([sample, choice])[0], after.Run([sample, choice])[0]));
        }
    }

    [TestMethod]
    public void Enters_the_body_of_a_Loop()
    {
        const int Steps = 3;
        (Model model, Value x) = Product();
        Node loop = model.Graph.AddNode("Loop", [model.Graph.AddInitializer("steps", Tensor.Scalar((long)Steps)), null, x]);
        Graph body = loop.AddGraph("body");
        body.AddInput("step", new TensorType(ElementType.Int64, []));
        Value condition = body.AddInput("goes_on", new TensorType(ElementType.Bool, []));
        Value state = body.AddInput("state", new TensorType(ElementType.Float, 1, 16, 256));
        body.AddOutput(body.Add("Identity", condition));
        body.AddOutput(body.Add("Tanh", body.Add("MatMul", state, body.AddInitializer("w", Weights.Uniform(new Random(3), [256, 256], -0.05f, 0.05f)))));
        model.Graph.AddOutput(loop.Output);

        AssertQuantizes(model, TargetProfiles.CpuX64);
        Assert.IsTrue(body.Nodes.Any(node => node.OpType == "MatMulInteger"));
    }

    [TestMethod]
    public void Stores_weights_once_that_two_products_share()
    {
        (Model model, Value x) = Product();
        Value weight = Weight(model, "w", 256, 256);
        model.Graph.AddOutput(model.Graph.Add("MatMul", model.Graph.Add("Tanh", model.Graph.Add("MatMul", x, weight)), weight));

        AssertQuantizes(model, TargetProfiles.CpuX64);

        Assert.AreEqual(1, model.Graph.Initializers.Count(value => value.Initializer is { ElementType: ElementType.Int8, Length: 256 * 256 }));
    }

    [TestMethod]
    public void Takes_the_float_products_of_a_model_that_is_quantized_in_part()
    {
        (Model model, Value x) = Product();
        Value scale = model.Graph.AddInitializer("s", Tensor.Scalar(1f / 127));
        Value zero = model.Graph.AddInitializer("z", Tensor.Scalar((sbyte)0));
        Value coarse = model.Graph.Add("DequantizeLinear", model.Graph.Add("QuantizeLinear", x, scale, zero), scale, zero);
        model.Graph.AddOutput(model.Graph.Add("MatMul", model.Graph.Add("Tanh", coarse), Weight(model, "w", 256, 192)));

        AssertQuantizes(model, TargetProfiles.CpuX64);

        Assert.HasCount(1, model.Graph.Nodes.Where(node => node.OpType == "DequantizeLinear"));
        Assert.HasCount(1, model.Graph.Nodes.Where(node => node.OpType == "MatMulInteger"));
    }

    [TestMethod]
    [DataRow(7)]
    [DataRow(8)]
    public void Computes_what_the_stored_codes_say(int bits)
    {
        const int rows = 5, inputs = 512, outputs = 96;
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
        AssertRefused(model, "No matrix product or LSTM computes in integers");
    }

    [TestMethod]
    public void Lifts_an_operator_set_that_lacks_dynamic_quantization()
    {
        (Model model, Value x) = Product(opset: 9);
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, Weight(model, "w", 256, 192)));
        AssertQuantizes(model, TargetProfiles.CpuX64);
        Assert.AreEqual(11, model.Opset);
    }

    private static (Model, Value) Product(long opset = 13)
    {
        Model model = Model.Create("product", opset, 7);
        return (model, model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 16, 256)));
    }

    private static Value Weight(Model model, string name, params long[] shape) => Weight(model.Graph, name, shape);

    private static Value Weight(Graph graph, string name, params long[] shape) =>
        graph.AddInitializer(name, Weights.Uniform(new Random(name[0]), shape));

    private static void AssertQuantizes(Model model, TargetProfile target, long[]? shape = null)
    {
        Tensor sample = Weights.Uniform(new Random(5), shape ?? [1, 16, 256]);
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
