using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Smoothing;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Smoothing;

[TestClass]
public sealed class SmoothQuantTests
{
    private const int Width = 64;

    /// <summary>Of the largest number in the output.</summary>
    private const float Exactness = 1e-5f;

    [TestMethod]
    [DataRow("LayerNormalization")]
    [DataRow("RMSNormalization")]
    [DataRow("MatMul")]
    [DataRow("Gemm")]
    [DataRow("Gate")]
    [DataRow("Mul")]
    [DataRow("Values")]
    public void The_float_model_computes_the_same_and_integers_lose_less(string producer)
    {
        Model model = Network(producer, out _);
        Tensor[] expected = Run(model);
        double before = NoiseOfIntegers(model, expected);

        PassOutcome outcome = Apply(model);

        Assert.IsTrue(outcome.Changed, outcome.Explanation + string.Join(" ", outcome.Refusals));
        AssertEqual(expected, Run(model));
        Assert.IsLessThan(0.5 * before, NoiseOfIntegers(model, expected));
    }

    [TestMethod]
    public void Queries_keys_and_values_share_one_scale()
    {
        Model model = Network("LayerNormalization", out Value hidden);
        foreach (string name in new[] { "queries", "keys" })
        {
            model.Graph.AddOutput(model.Graph.Add("MatMul", hidden, model.Graph.AddInitializer(name, Weights.Uniform(new Random(3), [Width, 48]))));
        }

        Tensor[] expected = Run(model);

        PassOutcome outcome = Apply(model);

        StringAssert.Contains(outcome.Explanation, "1 inputs");
        CollectionAssert.DoesNotContain(model.Graph.Nodes.Select(node => node.OpType).ToArray(), "Mul");
        AssertEqual(expected, Run(model));
    }

    [TestMethod]
    public void What_else_reads_the_value_reads_it_as_it_was()
    {
        Model model = Network("LayerNormalization", out Value hidden);
        model.Graph.AddOutput(model.Graph.Add("Neg", hidden));
        Tensor[] expected = Run(model);

        PassOutcome outcome = Apply(model);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.AreEqual(1, model.Graph.Nodes.Count(node => node.OpType == "Mul"));
        AssertEqual(expected, Run(model));
    }

    [TestMethod]
    public void Channels_that_are_alike_are_left()
    {
        Model model = Network("RMSNormalization", out _, spread: 0);
        byte[] bytes = model.ToBytes();

        PassOutcome outcome = Apply(model);

        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        StringAssert.Contains(string.Join(" ", outcome.Refusals), "no scale lowers the error");
        CollectionAssert.AreEqual(bytes, model.ToBytes());
    }

    [TestMethod]
    public void A_channel_that_is_always_zero_does_no_harm()
    {
        Model model = Network("LayerNormalization", out Value hidden);
        foreach (int input in new[] { 1, 2 })
        {
            float[] numbers = hidden.Producer!.Inputs[input]!.Constant!.ToSingles();
            numbers[5] = 0;
            hidden.Producer.SetInput(input, model.Graph.AddInitializer("zeroed", Tensor.Vector(numbers)));
        }

        Tensor[] expected = Run(model);

        Assert.IsTrue(Apply(model).Changed);

        AssertEqual(expected, Run(model));
    }

    [TestMethod]
    public void What_takes_no_scale_is_refused_with_the_reason() => AssertRefused(Network("Sigmoid", out _), "into which no scale can go");

    [TestMethod]
    public void An_output_of_the_model_is_refused()
    {
        Model model = Network("LayerNormalization", out Value hidden);
        model.Graph.AddOutput(hidden);

        AssertRefused(model, "it is an output");
    }

    [TestMethod]
    public void Weights_that_another_operator_reads_are_refused()
    {
        Model model = Network("LayerNormalization", out Value hidden);
        model.Graph.AddOutput(model.Graph.Add("Neg", hidden.Uses[0].Node.Inputs[1]!));

        AssertRefused(model, "is used by another node");
    }

    [TestMethod]
    public void Without_samples_it_is_refused() =>
        StringAssert.Contains(new SmoothQuant().Apply(Network("MatMul", out _), new PassContext(TargetProfiles.CpuX64)).Explanation, "needs calibration samples");

    [TestMethod]
    public void A_target_without_integers_is_refused() =>
        StringAssert.Contains(new SmoothQuant().Apply(Network("MatMul", out _), new PassContext(TargetProfiles.Cuda, Samples())).Explanation, "no kernels for quantized activations");

    [TestMethod]
    public void A_sample_that_cannot_be_run_is_refused() =>
        StringAssert.Contains(
            new SmoothQuant().Apply(Network("MatMul", out _), new PassContext(TargetProfiles.CpuX64, ListedSamples.Random([1, 4, Width + 1], 2))).Explanation, "Calibration failed");

    /// <summary>A product of a value [1, 16, 64] some of whose channels are larger than the others.</summary>
    /// <param name="spread">Natural logarithm of the largest over the smallest channel.</param>
    private static Model Network(string producer, out Value hidden, double spread = 5)
    {
        Model model = Model.Create("network", 23, 10);
        model.OpsetImports[TargetProfile.ContributedDomain] = 1;
        Graph graph = model.Graph;
        Random random = new(7);
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, "batch", "rows", Width));
        float[] scales = [.. Enumerable.Range(0, Width).Select(_ => (float)Math.Exp(spread * Math.Pow(random.NextDouble(), 4)))];
        Value gains = graph.AddInitializer("gains", Tensor.Vector(scales));
        float[] mixing = Weights.Uniform(random, [Width, Width]).ToSingles();
        Value square = graph.AddInitializer("square", Tensor.Create([Width, Width], [.. mixing.Select((weight, i) => weight * scales[i % Width])]));
        Value bias = graph.AddInitializer("bias", Weights.Uniform(random, [Width]));
        hidden = producer switch
        {
            "LayerNormalization" => graph.Add("LayerNormalization", x, gains, bias),
            "RMSNormalization" => graph.Add("RMSNormalization", x, gains),
            "Mul" => graph.Add("Mul", graph.Add("Tanh", x), gains),
            "Gate" => graph.Add("Mul", graph.Add("Sigmoid", x), graph.Add("MatMul", x, square)),
            "Gemm" => graph.Add("Relu", graph.Add("Add", graph.Add("MatMul", x, square), bias)),
            "Values" => graph.AddNode("MultiHeadAttention", [x, x, graph.Add("MatMul", x, square)], domain: TargetProfile.ContributedDomain).Set("num_heads", 4L).Output,
            "Sigmoid" => graph.Add("Sigmoid", x),
            _ => graph.Add(producer, x, square),
        };
        hidden.Name = "hidden";
        graph.AddOutput(graph.Add("MatMul", hidden, graph.AddInitializer("w", Weights.Uniform(random, [Width, 48]))));
        return model;
    }

    private static PassOutcome Apply(Model model) => new SmoothQuant().Apply(model, new PassContext(TargetProfiles.CpuX64, Samples()));

    private static ListedSamples Samples() => ListedSamples.Random([1, 16, Width], 6);

    /// <summary>The mean square of what integers change in the first output when the last product alone computes in them.</summary>
    private static double NoiseOfIntegers(Model model, Tensor[] expected)
    {
        Model copy = model.Clone();
        CalibratedModel calibrated = new(copy, new PassContext(TargetProfiles.CpuX64, Samples()), Optimization.Quantization.Calibration.RangeMethod.Auto, QuantizedWeight.Nearest);
        FloatNodes others = new();
        foreach (Node node in calibrated.Candidates.Layers.Keys.Where(node => node != copy.Graph.Outputs[0].Producer))
        {
            others.Add(node, "only the last product is of interest");
        }

        calibrated.Apply(calibrated.All(others));
        return Run(copy)[0].ToSingles().Zip(expected[0].ToSingles(), (a, b) => Math.Pow(a - b, 2)).Average();
    }

    private static Tensor[] Run(Model model)
    {
        using ModelSession session = ModelSession.Open(model);
        return [.. session.Run([Samples().Read().First().Inputs[0]])];
    }

    private static void AssertEqual(Tensor[] expected, Tensor[] found)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.IsLessThan(Exactness, RealModels.RelativeError(expected[i], found[i]));
        }
    }

    private static void AssertRefused(Model model, string reason)
    {
        byte[] bytes = model.ToBytes();
        PassOutcome outcome = Apply(model);
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(string.Join(" ", outcome.Refusals), reason);
        CollectionAssert.AreEqual(bytes, model.ToBytes());
    }
}
