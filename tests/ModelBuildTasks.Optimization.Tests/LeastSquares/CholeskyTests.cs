using ModelBuildTasks.Optimization.LeastSquares;

namespace ModelBuildTasks.Optimization.Tests.LeastSquares;

[TestClass]
public sealed class CholeskyTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(5)]
    [DataRow(64)]
    [DataRow(150)]
    public void The_factor_multiplies_back_to_the_matrix(int size)
    {
        Random random = new(size);
        float[] x = [.. Enumerable.Range(0, 2 * size * size).Select(_ => random.NextSingle() - 0.5f)];
        float[] matrix = new float[size * size];
        OuterProducts.Add(matrix, size, 0, x, 1);
        for (int i = 0; i < size; i++)
        {
            matrix[i * size + i] += 0.1f;
        }

        float[] factor = [.. matrix];
        Assert.IsTrue(Cholesky.TryFactor(factor, size));

        for (int i = 0; i < size; i++)
        {
            for (int j = i; j < size; j++)
            {
                double product = Enumerable.Range(0, i + 1).Sum(k => (double)factor[k * size + i] * factor[k * size + j]);
                Assert.AreEqual(matrix[i * size + j], product, 1e-3);
            }
        }
    }

    [TestMethod]
    [DataRow(1f, 2f, 1f)]
    [DataRow(0f, 0f, 1f)]
    [DataRow(-1f, 0f, 1f)]
    [DataRow(float.NaN, 0f, 1f)]
    [DataRow(float.PositiveInfinity, 0f, 1f)]
    public void A_matrix_that_is_not_positive_definite_is_refused(float a, float b, float c) =>
        Assert.IsFalse(Cholesky.TryFactor([a, b, b, c], 2));

    [TestMethod]
    [DataRow(1)]
    [DataRow(7)]
    [DataRow(90)]
    public void What_it_solves_multiplies_back_to_the_right_side(int size)
    {
        Random random = new(size);
        float[] x = [.. Enumerable.Range(0, 2 * size * size).Select(_ => random.NextSingle() - 0.5f)];
        float[] matrix = new float[size * size];
        OuterProducts.Add(matrix, size, 0, x, 1);
        float[] factor = [.. matrix];
        Assert.IsTrue(Cholesky.TryFactor(factor, size));
        float[] solution = [.. Enumerable.Range(0, size).Select(i => i - size / 2f)];
        float[] right = [.. Enumerable.Range(0, size).Select(i => (float)Enumerable.Range(0, size).Sum(j => (double)matrix[Math.Min(i, j) * size + Math.Max(i, j)] * solution[j]))];

        Cholesky.Solve(factor, size, right);

        for (int i = 0; i < size; i++)
        {
            Assert.AreEqual(solution[i], right[i], 1e-3 * size);
        }
    }
}
