using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Rounding;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Rounding;

[TestClass]
public sealed class LayerObserverTests
{
    private const int Rows = 6, Inputs = 3, Outputs = 2;

    [TestMethod]
    [DataRow("Gemm", 1)]
    [DataRow("MatMul", 0)]
    public void Moments_are_those_of_every_row_of_a_small_product_as_integers_hold_it(string operation, int ones)
    {
        float[] read = Weights.Uniform(new Random(8), [Rows, Inputs]).ToSingles();

        LayerMoments moments = Observe(operation, read).Groups[0];

        double[][] z = [.. Rounded(read).Chunk(Inputs).Select(row => (double[])[ones, .. row])];
        for (int i = 0; i <= Inputs; i++)
        {
            for (int j = i; j <= Inputs; j++)
            {
                Assert.AreEqual(z.Sum(row => row[i] * row[j]), moments[i, j], 1e-4);
            }
        }
    }

    [TestMethod]
    public void What_the_result_lacks_on_average_is_what_rounding_takes_from_its_inputs()
    {
        float[] read = [.. Weights.Uniform(new Random(9), [Rows, Inputs]).ToSingles().Select(value => value * 3)];
        float[] weights = [0.5f, -2, 1];

        float lacking = Observe("Gemm", read).Groups[0].MeanLacking(weights);

        double expected = read.Zip(Rounded(read)).Select((pair, i) => ((double)pair.First - pair.Second) * weights[i % Inputs]).Sum() / Rows;
        Assert.AreEqual(expected, lacking, 1e-5);
        Assert.AreNotEqual(0, expected, 0.01);
    }

    /// <summary>Codes of hundredths from −1.28 to 1.27, so that larger numbers are cut.</summary>
    private static float[] Rounded(float[] values) => [.. values.Select(value => Math.Clamp(MathF.Round(value / 0.01f), -128, 127) * 0.01f)];

    private static LayerObserver Observe(string operation, float[] read)
    {
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, Rows, Inputs));
        Node node = model.Graph.AddNode(operation, [x, model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), [Inputs, Outputs]))]);
        LayerObserver observer = new(Layer.From(node, out _)!.Canonical(), new QuantizationParameters(0.01f, 128, ElementType.UInt8), samples: 1);
        observer.Add(read, [Rows, Inputs], sample: 0, CancellationToken.None);
        return observer;
    }
}
