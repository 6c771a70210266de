using ModelBuildTasks.Optimization.Pruning.Refitting;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class RidgeRefitTests
{
    private const float Damping = 0.01f;

    [TestMethod]
    public void What_is_left_of_an_output_solves_its_normal_equations()
    {
        RandomRegression data = new(inputs: 20, outputs: 3, rows: 200);
        float[] pruned = [.. data.Weights.Select((w, i) => i % 21 != 0 && i % 2 == 0 ? 0 : w)];

        float[] fitted = RidgeRefit.Fit(data.Moments, [0, 1, 2], pruned, pruned, Damping, CancellationToken.None)!;

        double[,] h = data.Damped(Damping);
        for (int output = 0; output < 3; output++)
        {
            int[] support = [.. Enumerable.Range(0, 21).Where(i => pruned[output * 21 + i] != 0)];
            // (H + ridge)·w = G + ridge·anchor, on the weights that are left.
            double[] right = [.. support.Select(i => data.Z.Zip(data.Y).Sum(row => (double)row.First[i] * row.Second[output]) + (h[i, i] - data.H[i, i]) * pruned[output * 21 + i])];
            double[] expected = PlainAlgebra.Solve(PlainAlgebra.Part(h, support), right);
            for (int i = 0; i < support.Length; i++)
            {
                Assert.AreEqual(expected[i], fitted[output * 21 + support[i]], 1e-3);
            }
        }
    }

    [TestMethod]
    public void Outputs_with_and_without_zeros_are_fitted_as_each_alone()
    {
        RandomRegression data = new(inputs: 20, outputs: 3, rows: 200);
        float[] pruned = [.. data.Weights.Select((w, i) => i / 21 == 1 && i % 21 != 0 && i % 2 == 0 ? 0 : 0.5f * w)];

        float[] together = RidgeRefit.Fit(data.Moments, [0, 1, 2], pruned, pruned, Damping, CancellationToken.None)!;

        for (int output = 0; output < 3; output++)
        {
            float[] alone = pruned[(output * 21)..((output + 1) * 21)];
            RidgeRefit.FitOutput(data.Moments, output, Damping, [.. alone], alone, CancellationToken.None);
            CollectionAssert.AreEqual(alone, together[(output * 21)..((output + 1) * 21)]);
        }
    }

    [TestMethod]
    public void Zeros_stay_zeros_and_the_error_falls()
    {
        RandomRegression data = new(inputs: 30, outputs: 4, rows: 300);
        float[] pruned = [.. data.Weights.Select((w, i) => i % 31 != 0 && Math.Abs(w) < 0.25f ? 0 : w)];

        float[] fitted = RidgeRefit.Fit(data.Moments, [0, 1, 2, 3], pruned, pruned, 0.001f, CancellationToken.None)!;

        Assert.IsTrue(pruned.Zip(fitted).All(pair => pair.First != 0 || pair.Second == 0));
        Assert.IsLessThan(0.5 * data.Error(pruned), data.Error(fitted));
    }

    [TestMethod]
    public void Inputs_that_were_always_zero_tell_nothing()
    {
        RegressionMoments moments = new(inputs: 4, outputs: 2);
        moments.Add(new float[5 * 10], new float[2 * 10], CancellationToken.None);
        moments.Complete();

        Assert.IsNull(RidgeRefit.Fit(moments, [0, 1], new float[10], new float[10], Damping, CancellationToken.None));
    }

    [TestMethod]
    public void The_moments_know_the_error_that_every_row_gives()
    {
        RandomRegression data = new(inputs: 12, outputs: 2, rows: 50);
        float[] other = [.. data.Weights.Select((w, i) => i % 3 == 0 ? 0 : w)];

        Assert.AreEqual(data.Error(other), data.Moments.Error(other, [0, 1], CancellationToken.None), 1e-3 * data.Error(other));
    }
}
