using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Rounding;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Rounding;

[TestClass]
public sealed class LayerObserverTests
{
    [TestMethod]
    public void Moments_are_those_of_every_row_of_a_small_product()
    {
        const int Rows = 6, Inputs = 3, Outputs = 2;
        Random random = new(8);
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, Rows, Inputs));
        float[] weight = Weights.Uniform(random, [Inputs, Outputs]).ToSingles();
        float[] bias = [0.5f, -2];
        Node node = model.Graph.AddNode("Gemm", [x, model.Graph.AddInitializer("w", Tensor.Create([Inputs, Outputs], weight)), model.Graph.AddInitializer("b", Tensor.Vector(bias))]);
        float[] read = Weights.Uniform(random, [Rows, Inputs]).ToSingles();
        float[] exact = Weights.Uniform(random, [Rows, Outputs]).ToSingles();
        LayerObserver observer = new(Layer.From(node, out _)!.Canonical(), samples: 1);

        observer.Add(read, [Rows, Inputs], exact, [Rows, Outputs], sample: 0, CancellationToken.None);

        double[][] z =
        [
            .. Enumerable.Range(0, Rows).Select(row => (double[])
            [
                1,
                .. Enumerable.Range(0, Inputs).Select(i => (double)read[row * Inputs + i]),
                .. Enumerable.Range(0, Outputs).Select(o => exact[row * Outputs + o] - bias[o] - Enumerable.Range(0, Inputs).Sum(i => (double)read[row * Inputs + i] * weight[i * Outputs + o])),
            ]),
        ];
        for (int i = 0; i < z[0].Length; i++)
        {
            for (int j = i; j < z[0].Length; j++)
            {
                Assert.AreEqual(z.Sum(row => row[i] * row[j]), observer.Groups[0][i, j], 1e-4);
            }
        }
    }
}
