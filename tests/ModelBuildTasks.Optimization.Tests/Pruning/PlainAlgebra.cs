namespace ModelBuildTasks.Optimization.Tests.Pruning;

/// <summary>Small systems in double precision, solved in the plainest way: the reference of what is solved fast.</summary>
internal static class PlainAlgebra
{
    /// <summary>x of A·x = b, by Gauss and Jordan with pivots.</summary>
    internal static double[] Solve(double[,] a, double[] b)
    {
        int n = b.Length;
        double[,] m = (double[,])a.Clone();
        double[] x = [.. b];
        for (int column = 0; column < n; column++)
        {
            int pivot = Enumerable.Range(column, n - column).MaxBy(row => Math.Abs(m[row, column]));
            for (int j = 0; j < n; j++)
            {
                (m[column, j], m[pivot, j]) = (m[pivot, j], m[column, j]);
            }

            (x[column], x[pivot]) = (x[pivot], x[column]);
            for (int row = 0; row < n; row++)
            {
                double factor = row == column ? 0 : m[row, column] / m[column, column];
                for (int j = 0; j < n; j++)
                {
                    m[row, j] -= factor * m[column, j];
                }

                x[row] -= factor * x[column];
            }
        }

        return [.. x.Select((value, i) => value / m[i, i])];
    }

    internal static double[,] Part(double[,] a, IReadOnlyList<int> rows)
    {
        double[,] part = new double[rows.Count, rows.Count];
        for (int i = 0; i < rows.Count; i++)
        {
            for (int j = 0; j < rows.Count; j++)
            {
                part[i, j] = a[rows[i], rows[j]];
            }
        }

        return part;
    }
}

/// <summary>Random rows [1, x] and the results that random weights make of them, with their moments in both precisions.</summary>
internal sealed class RandomRegression
{
    internal RandomRegression(int inputs, int outputs, int rows, int seed = 1)
    {
        Random random = new(seed);
        Inputs = inputs;
        Z = [.. Enumerable.Range(0, rows).Select(_ => (float[])[1, .. Correlated(random, inputs)])];
        Weights = [.. Enumerable.Range(0, outputs * (1 + inputs)).Select(_ => random.NextSingle() - 0.5f)];
        Y = [.. Z.Select(z => Enumerable.Range(0, outputs).Select(o => Product(z, Weights.AsSpan(o * z.Length, z.Length))).ToArray())];
        Moments = new(inputs, outputs);
        Moments.Add(Z.SelectMany(z => z).ToArray(), Y.SelectMany(y => y).ToArray(), CancellationToken.None);
        Moments.Complete();
        H = new double[1 + inputs, 1 + inputs];
        foreach (float[] z in Z)
        {
            for (int i = 0; i <= inputs; i++)
            {
                for (int j = 0; j <= inputs; j++)
                {
                    H[i, j] += (double)z[i] * z[j];
                }
            }
        }
    }

    internal int Inputs { get; }

    internal float[][] Z { get; }

    internal float[][] Y { get; }

    /// <summary>[outputs, 1 + inputs].</summary>
    internal float[] Weights { get; }

    internal Optimization.Pruning.Refitting.RegressionMoments Moments { get; }

    internal double[,] H { get; }

    /// <summary>H with a ridge on all but the bias.</summary>
    internal double[,] Damped(double damping)
    {
        double mean = Enumerable.Range(1, Inputs).Average(i => H[i, i]);
        double[,] damped = (double[,])H.Clone();
        for (int i = 1; i <= Inputs; i++)
        {
            damped[i, i] += damping * mean;
        }

        return damped;
    }

    /// <summary>The squared error of all results, by every row.</summary>
    internal double Error(float[] weights) => Z.Zip(Y).Sum(row =>
        row.Second.Select((y, o) => Math.Pow(y - (double)Product(row.First, weights.AsSpan(o * row.First.Length, row.First.Length)), 2)).Sum());

    private static float Product(ReadOnlySpan<float> a, ReadOnlySpan<float> b) => System.Numerics.Tensors.TensorPrimitives.Dot(a, b);

    /// <summary>Neighbours resemble each other, as channels and pixels do: only then can one weight make up for another.</summary>
    private static IEnumerable<float> Correlated(Random random, int count)
    {
        float last = 0;
        for (int i = 0; i < count; i++)
        {
            yield return last = 0.8f * last + random.NextSingle() - 0.4f;
        }
    }
}
