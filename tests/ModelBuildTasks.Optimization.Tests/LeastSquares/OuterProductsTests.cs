using ModelBuildTasks.Optimization.LeastSquares;

namespace ModelBuildTasks.Optimization.Tests.LeastSquares;

[TestClass]
public sealed class OuterProductsTests
{
    [TestMethod]
    [DataRow(1, 3, 0, 1)]
    [DataRow(7, 1, 0, 1)]
    [DataRow(150, 37, 0, 1)]
    [DataRow(64, 100, 0, -1)]
    [DataRow(64, 100, 33, -1)]
    [DataRow(3, 257, 0, 1)]
    public void Adds_the_upper_triangle_of_the_product(int rows, int size, int first, int sign)
    {
        Random random = new(size);
        float[] x = [.. Enumerable.Range(0, rows * size).Select(_ => random.NextSingle() - 0.5f)];
        float[] start = [.. Enumerable.Range(0, size * size).Select(_ => random.NextSingle())];
        float[] c = [.. start];

        OuterProducts.Add(c, size, first, x, sign);

        for (int i = first; i < size; i++)
        {
            for (int j = i; j < size; j++)
            {
                double expected = start[i * size + j] + sign * Enumerable.Range(0, rows).Sum(row => (double)x[row * size + i] * x[row * size + j]);
                Assert.AreEqual(expected, c[i * size + j], 1e-4);
            }
        }
    }

    [TestMethod]
    public void Rows_before_the_first_stay_as_they_were()
    {
        float[] c = [.. Enumerable.Range(0, 40 * 40).Select(i => (float)i)];

        OuterProducts.Add(c, 40, 10, new float[3 * 40].Select(_ => 1f).ToArray(), 1);

        CollectionAssert.AreEqual(Enumerable.Range(0, 10 * 40).Select(i => (float)i).ToArray(), c[..400]);
    }

    [TestMethod]
    public void Adding_samples_one_by_one_gives_the_very_sums_of_adding_them_together()
    {
        Random random = new(4);
        float[] x = [.. Enumerable.Range(0, 256 * 50).Select(_ => random.NextSingle() - 0.5f)];
        float[] together = new float[50 * 50];
        float[] apart = new float[50 * 50];

        OuterProducts.Add(together, 50, 0, x, 1);
        for (int sample = 0; sample < 256; sample++)
        {
            OuterProducts.Add(apart, 50, 0, x.AsMemory(sample * 50, 50), 1);
        }

        for (int i = 0; i < 50; i++)
        {
            CollectionAssert.AreEqual(together[(i * 50 + i)..(i * 50 + 50)], apart[(i * 50 + i)..(i * 50 + 50)]);
        }
    }
}
