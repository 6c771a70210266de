using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>What is propagated is held against a million drawn numbers, which take the same way.</summary>
[TestClass]
public sealed class DistributionPropagationTests
{
    private const int Draws = 1_000_000;

    private readonly Model model = Model.Create("distributions", 14, 8);
    private readonly Random random = new(5);

    [TestMethod]
    [DataRow("Relu", 0.3, 1.0)]
    [DataRow("Relu", -2.0, 0.5)]
    [DataRow("Sigmoid", 1.0, 2.0)]
    [DataRow("HardSwish", -0.5, 2.0)]
    [DataRow("LeakyRelu", 0.2, 1.0)]
    [DataRow("Tanh", 0.2, 1.0)]
    public void A_function_changes_mean_and_deviation_as_drawn_numbers_say(string operation, double mean, double deviation)
    {
        Value result = model.Graph.Add(operation, Normalized("n", mean, deviation));
        ChannelDistribution actual = Propagate(result);
        double[] drawn = [.. Enumerable.Range(0, Draws).Select(_ => Function(operation, mean + deviation * Normal()))];
        AssertAlike(drawn, actual);
    }

    [TestMethod]
    public void A_sum_and_a_product_are_those_of_independent_numbers()
    {
        (double, double) a = (1.5, 0.5), b = (-0.5, 2);
        (Value first, Value second) = (Normalized("a", a.Item1, a.Item2), Normalized("b", b.Item1, b.Item2));
        Value sum = model.Graph.Add("Add", first, second), product = model.Graph.Add("Mul", first, second);
        (double X, double Y)[] pairs = [.. Enumerable.Range(0, Draws).Select(_ => (a.Item1 + a.Item2 * Normal(), b.Item1 + b.Item2 * Normal()))];
        AssertAlike([.. pairs.Select(pair => pair.X + pair.Y)], Propagate(sum));
        AssertAlike([.. pairs.Select(pair => pair.X * pair.Y)], Propagate(product));
    }

    [TestMethod]
    public void A_convolution_without_normalization_has_the_mean_of_its_inputs_means()
    {
        Value weight = model.Graph.AddInitializer("w", Tensor.Create([1, 2, 1, 1], [3f, -2f]));
        Node convolution = model.Graph.AddNode("Conv", [Normalized("n", [1, 4], [0.5, 0.25]), weight, model.Graph.AddInitializer("b", Tensor.Vector(0.5f))]);
        ChannelDistribution actual = Propagate(convolution.Output);
        Assert.AreEqual(3 * 1 - 2 * 4 + 0.5, actual.Mean[0], 1e-6);
        Assert.AreEqual(Math.Sqrt(9 * 0.25 + 4 * 0.0625), actual.Deviation[0], 1e-6);
    }

    [TestMethod]
    public void A_concatenation_of_channels_keeps_each()
    {
        Value joined = model.Graph.AddNode("Concat", [Normalized("a", [1, 2], [1, 1]), Normalized("b", [3], [1])]).Set("axis", 1L).Output;
        CollectionAssert.AreEqual(new double[] { 1, 2, 3 }, Propagate(joined).Mean);
    }

    [TestMethod]
    public void Nothing_is_known_of_an_input_nor_of_an_operator_without_a_rule()
    {
        Value unknown = model.Graph.Add("Exp", Normalized("n", 0, 1));
        Dictionary<Value, ChannelDistribution> known = DistributionPropagation.Run(model.Graph, NormalizationStatistics.Of(model));
        Assert.IsFalse(known.ContainsKey(unknown));
        Assert.IsFalse(known.ContainsKey(model.Graph.Inputs[0]));
    }

    private ChannelDistribution Propagate(Value value) => DistributionPropagation.Run(model.Graph, NormalizationStatistics.Of(model))[value];

    private Value Normalized(string name, double mean, double deviation) => Normalized(name, [mean], [deviation]);

    private Value Normalized(string name, double[] means, double[] deviations)
    {
        Value input = model.Graph.AddInput(name, new TensorType(ElementType.Float, 1, means.Length, 4, 4));
        double[][] parameters = [deviations, means, new double[means.Length], [.. means.Select(_ => 1.0)]];
        return model.Graph.Add("BatchNormalization", [input, .. parameters.Select(values => model.Graph.AddInitializer("p", Tensor.Vector(Array.ConvertAll(values, x => (float)x))))]);
    }

    private static double Function(string operation, double x) => operation switch
    {
        "Relu" => Math.Max(x, 0),
        "Sigmoid" => 1 / (1 + Math.Exp(-x)),
        "HardSwish" => x * Math.Clamp(x / 6 + 0.5, 0, 1),
        "LeakyRelu" => x < 0 ? 0.01 * x : x,
        _ => Math.Tanh(x),
    };

    private static void AssertAlike(double[] drawn, ChannelDistribution actual)
    {
        double mean = drawn.Average();
        double deviation = Math.Sqrt(drawn.Average(x => (x - mean) * (x - mean)));
        Assert.AreEqual(mean, actual.Mean[0], 0.01 * (Math.Abs(mean) + deviation));
        Assert.AreEqual(deviation, actual.Deviation[0], 0.02 * deviation + 1e-3);
        Assert.IsLessThanOrEqualTo(drawn.Min(), actual.Range.Lowest - 1e-6);
        Assert.IsGreaterThanOrEqualTo(drawn.Max(), actual.Range.Highest + 1e-6);
    }

    /// <summary>Box–Muller.</summary>
    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
