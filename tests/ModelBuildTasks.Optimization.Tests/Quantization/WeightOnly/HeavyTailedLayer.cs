using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

/// <summary>
/// A layer as transformers have them: weights with heavy tails, inputs that are correlated, with some channels ten times the others.
/// </summary>
internal sealed class HeavyTailedLayer
{
    private const double TailDegrees = 4;

    internal HeavyTailedLayer(int inputs, int outputs, int rows, int seed = 1)
    {
        Random random = new(seed);
        Inputs = inputs;
        Outputs = outputs;
        Weights = [.. Enumerable.Range(0, inputs * outputs).Select(_ => (float)(0.05 * StudentT(random)))];

        int factors = Math.Max(1, inputs / 8);
        float[] mixing = [.. Enumerable.Range(0, factors * inputs).Select(_ => (float)Gaussian(random))];
        float[] channelScale = [.. Enumerable.Range(0, inputs).Select(_ => (float)Math.Exp(Gaussian(random)))];
        X = new float[rows * inputs];
        for (int row = 0; row < rows; row++)
        {
            double[] hidden = [.. Enumerable.Range(0, factors).Select(_ => Gaussian(random))];
            for (int i = 0; i < inputs; i++)
            {
                double sum = 0.5 * Gaussian(random);
                for (int f = 0; f < factors; f++)
                {
                    sum += hidden[f] * mixing[f * inputs + i] / Math.Sqrt(factors);
                }

                X[row * inputs + i] = (float)sum * channelScale[i];
            }
        }
    }

    internal int Inputs { get; }

    internal int Outputs { get; }

    /// <summary>[inputs, outputs].</summary>
    internal float[] Weights { get; }

    /// <summary>[rows, inputs].</summary>
    internal float[] X { get; }

    internal WeightMatrix Matrix => new(Tensor.Create([Inputs, Outputs], Weights), IsTransposed: false);

    internal InputMoments Moments
    {
        get
        {
            InputMoments moments = new(Inputs);
            moments.Add(X);
            return moments;
        }
    }

    /// <summary>‖X(W − Ŵ)‖².</summary>
    internal double OutputError(BlockedWeight quantized)
    {
        float[] approximation = quantized.ToSingles();
        double error = 0;
        double[] sums = new double[Outputs];
        for (int row = 0; row < X.Length; row += Inputs)
        {
            Array.Clear(sums);
            for (int i = 0; i < Inputs; i++)
            {
                for (int o = 0; o < Outputs; o++)
                {
                    sums[o] += X[row + i] * ((double)Weights[i * Outputs + o] - approximation[i * Outputs + o]);
                }
            }

            error += sums.Sum(sum => sum * sum);
        }

        return error;
    }

    private static double Gaussian(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static double StudentT(Random random)
    {
        double squares = 0;
        for (int i = 0; i < TailDegrees; i++)
        {
            double g = Gaussian(random);
            squares += g * g;
        }

        return Gaussian(random) / Math.Sqrt(squares / TailDegrees);
    }
}
