using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class AdamUpdateTests
{
    [TestMethod]
    public void Follows_its_definition()
    {
        AdamUpdate update = new(length: 2, decay: 0.1f);
        float[] weights = [1f, -2f];
        double[] expected = [1, -2], first = [0, 0], second = [0, 0];
        for (int step = 1; step <= 5; step++)
        {
            float[] gradient = [0.3f * step, -1f / step];
            update.Update(weights, gradient, 0.01f);
            for (int i = 0; i < 2; i++)
            {
                first[i] = (0.9 * first[i]) + (0.1 * gradient[i]);
                second[i] = (0.999 * second[i]) + (0.001 * gradient[i] * gradient[i]);
                double corrected = first[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(second[i] / (1 - Math.Pow(0.999, step))) + 1e-8);
                expected[i] -= 0.01 * ((0.1 * expected[i]) + corrected);
            }
        }

        Assert.AreEqual(expected[0], weights[0], 1e-5);
        Assert.AreEqual(expected[1], weights[1], 1e-5);
    }
}
