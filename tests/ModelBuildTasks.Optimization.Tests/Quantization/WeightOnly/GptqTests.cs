using System.Numerics;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class GptqTests
{
    private static readonly BlockFormat Format = new(4, 16, IsSymmetric: true);

    [TestMethod]
    public void Each_code_is_the_nearest_to_what_exact_least_squares_would_want_there()
    {
        // GPTQ by its definition: of the inputs not rounded yet, take those values that leave the least output error, and round the next one's.
        const int inputs = 16;
        HeavyTailedLayer layer = new(inputs, 3, 64);
        FixedScale scale = new(0.03f);
        float[] factor = layer.Moments.Factor()!;
        double[,] moments = Product(factor, inputs);

        float[] actual = Gptq.Quantize(layer.Matrix, Format, scale, factor, default).ToSingles();

        for (int output = 0; output < layer.Outputs; output++)
        {
            double[] weights = [.. Enumerable.Range(0, inputs).Select(i => (double)layer.Weights[i * layer.Outputs + output])];
            double[] rounded = new double[inputs];
            for (int k = inputs - 1; k >= 0; k--)
            {
                double target = LeastSquares(moments, weights, rounded, k);
                rounded[k] = 0.03f * Math.Clamp(Math.Round(target / 0.03f), -8, 7);
                Assert.AreEqual(rounded[k], actual[k * layer.Outputs + output], 1e-6, $"input {k} of output {output}");
            }
        }
    }

    [TestMethod]
    [DataRow(8, true)]
    [DataRow(4, true)]
    [DataRow(4, false)]
    [DataRow(2, false)]
    public void Weights_that_were_pruned_stay_zero(int bits, bool symmetric)
    {
        HeavyTailedLayer layer = new(48, 9, 100);
        float[] pruned = [.. layer.Weights.Select((weight, i) => i % 2 == 0 ? 0 : weight)];
        WeightMatrix matrix = new(Onnx.Tensor.Create([48, 9], pruned), IsTransposed: false);

        float[] actual = Gptq.Quantize(matrix, new BlockFormat(bits, 16, symmetric), new ScaleSearch(), layer.Moments.Factor()!, default).ToSingles();

        Assert.IsTrue(actual.Where((_, i) => i % 2 == 0).All(weight => weight == 0));
        Assert.IsTrue(actual.Any(weight => weight != 0));
    }

    [TestMethod]
    public void Independent_inputs_are_rounded_to_nearest()
    {
        HeavyTailedLayer layer = new(40, 9, 8);
        float[] identity = new float[40 * 40];
        for (int i = 0; i < 40; i++)
        {
            identity[i * 40 + i] = 1;
        }

        CollectionAssert.AreEqual(
            BlockQuantizer.Quantize(layer.Matrix, Format, new ScaleSearch(), [], default).ToSingles(),
            Gptq.Quantize(layer.Matrix, Format, new ScaleSearch(), identity, default).ToSingles());
    }

    [TestMethod]
    [DataRow(33)]
    [DataRow(70)]
    public void Any_number_of_outputs_gives_the_same_codes_to_each(int outputs)
    {
        HeavyTailedLayer layer = new(48, outputs, 100);
        float[] factor = layer.Moments.Factor()!;
        float[] all = Gptq.Quantize(layer.Matrix, Format, new ScaleSearch(), factor, default).ToSingles();
        float[] lastColumn = [.. Enumerable.Range(0, 48).Select(i => layer.Weights[i * outputs + outputs - 1])];

        float[] alone = Gptq.Quantize(new WeightMatrix(Onnx.Tensor.Create([48, 1], lastColumn), IsTransposed: false), Format, new ScaleSearch(), factor, default).ToSingles();

        CollectionAssert.AreEqual(Enumerable.Range(0, 48).Select(i => all[i * outputs + outputs - 1]).ToArray(), alone);
    }

    [TestMethod]
    public void Samples_of_zeros_have_no_factor() => Assert.IsNull(MomentsOf(new float[4 * 8], 8).Factor());

    [TestMethod]
    public void Fewer_samples_than_inputs_have_a_factor_by_damping()
    {
        HeavyTailedLayer layer = new(64, 8, rows: 3);

        Assert.IsNotNull(layer.Moments.Factor());
    }

    private static InputMoments MomentsOf(float[] x, int inputs)
    {
        InputMoments moments = new(inputs);
        moments.Add(x);
        return moments;
    }

    private static double[,] Product(float[] factor, int size)
    {
        double[,] result = new double[size, size];
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
            {
                for (int k = 0; k <= Math.Min(i, j); k++)
                {
                    result[i, j] += (double)factor[k * size + i] * factor[k * size + j];
                }
            }
        }

        return result;
    }

    /// <summary>The value of weight <paramref name="k"/> when weights 0..k are free to leave the least error and the later ones are rounded: from H·e = 0 in the rows of the free ones.</summary>
    private static double LeastSquares(double[,] moments, double[] weights, double[] rounded, int k)
    {
        int size = k + 1;
        double[,] system = new double[size, size + 1];
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
            {
                system[i, j] = moments[i, j];
            }

            for (int j = size; j < weights.Length; j++)
            {
                system[i, size] -= moments[i, j] * (rounded[j] - weights[j]);
            }
        }

        // Gaussian elimination; the matrix is positive definite, so that no pivoting is needed.
        for (int pivot = 0; pivot < size; pivot++)
        {
            for (int row = pivot + 1; row < size; row++)
            {
                double share = system[row, pivot] / system[pivot, pivot];
                for (int column = pivot; column <= size; column++)
                {
                    system[row, column] -= share * system[pivot, column];
                }
            }
        }

        // Only the last unknown is asked for.
        return weights[k] + system[k, size] / system[k, k];
    }

    private sealed class FixedScale(float scale) : IBlockScaling
    {
        public string Name => "fixed scale";

        public BlockScale Fit(ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format) =>
            new(new Vector<float>(scale), new Vector<float>(format.MiddleCode));
    }
}
