using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class ActivationAwareScalingTests
{
    private const int Inputs = 64;
    private const int Outputs = 48;
    private static readonly BlockFormat Format = new(4, 32, IsSymmetric: false);

    private readonly HeavyTailedLayer layer = new(Inputs, Outputs, 256);

    [TestMethod]
    public void The_scales_lower_the_error_of_the_layer_on_the_samples()
    {
        float[] scales = Find(layer)!;
        InputMoments moments = layer.Moments;
        moments.Divide(scales);
        BlockedWeight plain = BlockQuantizer.Quantize(layer.Matrix, Format, new ScaleSearch(), layer.Moments.Importance(), default);
        BlockedWeight scaled = BlockQuantizer.Quantize(layer.Matrix with { InputScales = scales }, Format, new ScaleSearch(), moments.Importance(), default);

        float[] back = [.. scaled.ToSingles().Select((weight, i) => weight / scales[i / Outputs])];

        Assert.IsLessThan(Error(plain.ToSingles()), Error(back));
    }

    [TestMethod]
    public void Scales_are_powers_of_two()
    {
        foreach (float scale in Find(layer)!)
        {
            Assert.AreEqual(scale, MathF.ScaleB(1, MathF.ILogB(scale)));
        }
    }

    [TestMethod]
    public void Inputs_that_are_alike_have_no_scales() =>
        Assert.IsNull(ActivationAwareScaling.Find([layer.Matrix], [.. Enumerable.Repeat(1f, Inputs)], Format, new ScaleSearch(), default));

    [TestMethod]
    public void Divided_moments_are_those_of_divided_inputs()
    {
        float[] scales = [.. Enumerable.Range(0, Inputs).Select(i => MathF.ScaleB(1, i % 5 - 2))];
        InputMoments divided = layer.Moments;
        divided.Divide(scales);
        InputMoments expected = new(Inputs);
        expected.Add(layer.X.Select((x, i) => x / scales[i % Inputs]).ToArray());

        CollectionAssert.AreEqual(expected.Importance(), divided.Importance());
        CollectionAssert.AreEqual(expected.Factor(), divided.Factor());
    }

    [TestMethod]
    public void Behind_a_normalization_the_output_is_closer_than_by_GPTQ_alone()
    {
        Model plain = Network("LayerNormalization");
        float[] expected = Run(plain, 0);
        Model scaled = plain.Clone();

        Apply(plain, WeightOnlyAlgorithm.Gptq);
        PassOutcome outcome = Apply(scaled, WeightOnlyAlgorithm.Auto);

        StringAssert.Contains(outcome.Explanation, "1 inputs scaled");
        Assert.IsLessThan(0.9 * SquaredDistance(expected, Run(plain, 0)), SquaredDistance(expected, Run(scaled, 0)));
    }

    [TestMethod]
    public void What_else_reads_the_value_reads_it_as_it_was()
    {
        Model model = Network("LayerNormalization");
        model.Graph.AddOutput(model.Graph.Add("Neg", model.Graph.Find("hidden")!));
        float[] expected = Run(model, 1);

        StringAssert.Contains(Apply(model, WeightOnlyAlgorithm.Auto).Explanation, "1 inputs scaled");

        CollectionAssert.AreEqual(expected, Run(model, 1));
    }

    [TestMethod]
    [DataRow("MatMul")]
    [DataRow("Sigmoid")]
    public void Behind_what_takes_no_scale_it_is_GPTQ_alone(string producer)
    {
        Model plain = Network(producer);
        Model scaled = plain.Clone();

        Apply(plain, WeightOnlyAlgorithm.Gptq);
        Apply(scaled, WeightOnlyAlgorithm.Auto);

        CollectionAssert.AreEqual(plain.ToBytes(), scaled.ToBytes());
    }

    private static float[]? Find(HeavyTailedLayer layer) => ActivationAwareScaling.Find([layer.Matrix], layer.Moments.Importance(), Format, new ScaleSearch(), default);

    /// <summary>‖X(W − Ŵ)‖².</summary>
    private double Error(float[] approximation)
    {
        double error = 0;
        for (int row = 0; row < layer.X.Length; row += Inputs)
        {
            for (int o = 0; o < Outputs; o++)
            {
                double sum = 0;
                for (int i = 0; i < Inputs; i++)
                {
                    sum += layer.X[row + i] * ((double)layer.Weights[i * Outputs + o] - approximation[i * Outputs + o]);
                }

                error += sum * sum;
            }
        }

        return error;
    }

    private static Model Network(string producer)
    {
        HeavyTailedLayer last = new(Inputs, Outputs, 1);
        Model model = Model.Create("network", 17, 8);
        Graph graph = model.Graph;
        Random random = new(7);
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, "rows", Inputs));
        Value gains = graph.AddInitializer("gains", Tensor.Vector<float>([.. Enumerable.Range(0, Inputs).Select(_ => MathF.Exp(4 * random.NextSingle()))]));
        Value hidden = producer switch
        {
            "LayerNormalization" => graph.Add("LayerNormalization", x, gains, graph.AddInitializer("shift", Weights.Uniform(random, [Inputs]))),
            "MatMul" => graph.Add("MatMul", x, graph.AddInitializer("square", Weights.Uniform(random, [Inputs, Inputs]))),
            _ => graph.Add(producer, x),
        };
        hidden.Name = "hidden";
        graph.AddOutput(graph.Add("MatMul", hidden, graph.AddInitializer("w", Tensor.Create([Inputs, Outputs], last.Weights))));
        return model;
    }

    private PassOutcome Apply(Model model, WeightOnlyAlgorithm algorithm)
    {
        ListedSamples samples = new([.. layer.X.Chunk(16 * Inputs).Select(rows => Tensor.Create([16, Inputs], rows))]);
        PassOutcome outcome = new WeightOnlyQuantization(Format, algorithm).Apply(model, new PassContext(TargetProfiles.Cpu, samples));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        return outcome;
    }

    private float[] Run(Model model, int output)
    {
        using ModelSession session = ModelSession.Open(model);
        return session.Run([Tensor.Create([256, Inputs], layer.X)])[output].ToSingles();
    }

    private static double SquaredDistance(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Pow(x - y, 2)).Sum();
}
