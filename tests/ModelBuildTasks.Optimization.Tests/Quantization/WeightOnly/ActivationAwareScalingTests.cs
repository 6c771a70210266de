using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class ActivationAwareScalingTests
{
    private static readonly BlockFormat Format = new(4, 32, IsSymmetric: false);

    private readonly HeavyTailedLayer layer = new(64, 48, 256);

    [TestMethod]
    [DataRow("LayerNormalization")]
    [DataRow("MatMul")]
    [DataRow("Gemm, Relu")]
    public void The_float_model_computes_the_same_and_the_quantized_one_is_closer(string producer)
    {
        Model model = Network(producer);
        Tensor x = Tensor.Create([256, 64], layer.X);
        float[] expected = Run(model, x);
        double before = ErrorOfQuantized(model, x, expected);

        PassOutcome outcome = new ActivationAwareScaling(Format).Apply(model, new PassContext(TargetProfiles.Cpu, Samples()));

        Assert.IsTrue(outcome.Changed, outcome.Explanation + string.Join(" ", outcome.Refusals));
        CollectionAssert.AreEqual(expected, Run(model, x));
        Assert.IsLessThan(before, ErrorOfQuantized(model, x, expected));
    }

    [TestMethod]
    public void What_else_reads_the_value_reads_it_as_it_was()
    {
        Model model = Network("LayerNormalization");
        Value negative = model.Graph.Add("Neg", model.Graph.Find("hidden")!);
        model.Graph.AddOutput(negative);
        Tensor x = Tensor.Create([256, 64], layer.X);
        float[] expected = Run(model, x, output: 1);

        Assert.IsTrue(new ActivationAwareScaling(Format).Apply(model, new PassContext(TargetProfiles.Cpu, Samples())).Changed);

        CollectionAssert.AreEqual(expected, Run(model, x, output: 1));
    }

    [TestMethod]
    public void A_producer_that_takes_no_scale_is_left() => AssertRefused(Network("Sigmoid"), "into which no scale can go");

    [TestMethod]
    public void Without_samples_it_is_refused() =>
        StringAssert.Contains(new ActivationAwareScaling(Format).Apply(Network("MatMul"), new PassContext(TargetProfiles.Cpu)).Explanation, "needs calibration samples");

    private Model Network(string producer)
    {
        Model model = Model.Create("network", 17, 8);
        Graph graph = model.Graph;
        Random random = new(7);
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, "rows", 64));
        Value gains = graph.AddInitializer("gains", Tensor.Vector<float>([.. Enumerable.Range(0, 64).Select(_ => MathF.Exp(4 * random.NextSingle()))]));
        float[] mixing = Weights.Uniform(random, [64, 64]).ToSingles();
        Value square = graph.AddInitializer("square", Tensor.Create([64, 64], [.. mixing.Select((weight, i) => weight * gains.Initializer!.Span<float>()[i % 64])]));
        Value hidden = producer switch
        {
            "LayerNormalization" => graph.Add("LayerNormalization", x, gains, graph.AddInitializer("shift", Weights.Uniform(random, [64]))),
            "Gemm, Relu" => graph.Add("Relu", graph.Add("Gemm", x, square, graph.AddInitializer("bias", Weights.Uniform(random, [64])))),
            "Sigmoid" => graph.Add("Sigmoid", x),
            _ => graph.Add(producer, x, square),
        };
        hidden.Name = "hidden";
        graph.AddOutput(graph.Add("MatMul", hidden, graph.AddInitializer("w", Tensor.Create([64, 48], layer.Weights))));
        return model;
    }

    private ListedSamples Samples() => new([.. layer.X.Chunk(16 * 64).Select(rows => Tensor.Create([16, 64], rows))]);

    private static double ErrorOfQuantized(Model model, Tensor x, float[] expected)
    {
        // Only the last product is rounded: the one whose input was scaled.
        Model copy = model.Clone();
        Node last = copy.Graph.Outputs[0].Producer!;
        Tensor weight = last.Inputs[1]!.Constant!;
        float[] rounded = BlockQuantizer.Quantize(new WeightMatrix(weight, IsTransposed: false), Format, new RoundToNearest(), [], default).ToSingles();
        last.SetInput(1, copy.Graph.AddInitializer("rounded", Tensor.Create([.. weight.Dimensions], rounded)));
        return Run(copy, x).Zip(expected, (a, b) => Math.Pow(a - b, 2)).Sum();
    }

    private static float[] Run(Model model, Tensor x, int output = 0)
    {
        using ModelSession session = ModelSession.Open(model);
        return session.Run([x])[output].ToSingles();
    }

    private void AssertRefused(Model model, string reason)
    {
        byte[] bytes = model.ToBytes();
        PassOutcome outcome = new ActivationAwareScaling(Format).Apply(model, new PassContext(TargetProfiles.Cpu, Samples()));
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(string.Join(" ", outcome.Refusals), reason);
        CollectionAssert.AreEqual(bytes, model.ToBytes());
    }
}
