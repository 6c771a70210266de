using ModelBuildTasks.Optimization.Pruning;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class OptimalBrainSurgeonTests
{
    private const float Damping = 0.01f;

    [TestMethod]
    [DataRow(4)]
    [DataRow(7)]
    [DataRow(128)]
    public void Weights_are_those_of_the_surgeon_who_inverts_the_hessian_of_what_is_open_at_each_step(int blockSize)
    {
        RandomRegression data = new(inputs: 19, outputs: 3, rows: 200);

        float[] pruned = Prune(data, blockSize, 0.5);

        // Optimal Brain Surgeon as published: removing weight k changes the open ones by −wₖ/[H⁻¹]ₖₖ·H⁻¹₍ₖ₎; then k is closed, removed or not.
        double[,] h = data.Damped(Damping);
        for (int output = 0; output < 3; output++)
        {
            double[] expected = [.. data.Weights.Skip(output * 20).Take(20).Select(w => (double)w)];
            for (int k = 19; k > 0; k--)
            {
                if (pruned[output * 20 + k] == 0)
                {
                    double[] unit = new double[k + 1];
                    unit[k] = 1;
                    double[] column = PlainAlgebra.Solve(PlainAlgebra.Part(h, [.. Enumerable.Range(0, k + 1)]), unit);
                    double step = expected[k] / column[k];
                    for (int i = 0; i <= k; i++)
                    {
                        expected[i] -= step * column[i];
                    }
                }
            }

            for (int k = 0; k < 20; k++)
            {
                Assert.AreEqual(expected[k], pruned[output * 20 + k], 1e-3);
            }
        }
    }

    [TestMethod]
    public void Saliency_is_what_the_error_grows_by()
    {
        RandomRegression data = new(inputs: 6, outputs: 1, rows: 100);
        float[]? last = null;
        void Nothing(ReadOnlySpan<float> saliency, Span<bool> removed) => last ??= saliency.ToArray();

        OptimalBrainSurgeon.Prune(data.Moments, data.Weights, Natural(6), 1, Nothing, Damping, CancellationToken.None);

        double[] unit = [0, 0, 0, 0, 0, 0, 1];
        double inverse = PlainAlgebra.Solve(data.Damped(Damping), unit)[6];
        Assert.AreEqual(data.Weights[6] * data.Weights[6] / inverse, last![0], 1e-3);
    }

    [TestMethod]
    [DataRow(0.25)]
    [DataRow(0.5)]
    [DataRow(1.0)]
    public void Exactly_the_share_is_removed(double share)
    {
        RandomRegression data = new(inputs: 50, outputs: 5, rows: 200);

        float[] pruned = Prune(data, blockSize: 16, share);

        Assert.AreEqual((int)Math.Round(share * 250, MidpointRounding.AwayFromZero), pruned.Where((_, i) => i % 51 != 0).Count(w => w == 0));
    }

    [TestMethod]
    public void Errs_at_most_half_as_much_as_removing_the_smallest()
    {
        RandomRegression data = new(inputs: 60, outputs: 8, rows: 400);
        float middle = data.Weights.Where((_, i) => i % 61 != 0).Select(Math.Abs).Order().ElementAt(240);
        float[] smallest = [.. data.Weights.Select((w, i) => i % 61 != 0 && Math.Abs(w) < middle ? 0 : w)];

        Assert.IsLessThan(0.5 * data.Error(smallest), data.Error(Prune(data, 128, 0.5)));
    }

    private static float[] Prune(RandomRegression data, int blockSize, double share) =>
        OptimalBrainSurgeon.Prune(data.Moments, data.Weights, Natural(data.Inputs), blockSize, new ShareMask(share).Mark, Damping, CancellationToken.None)!;

    private static int[] Natural(int inputs) => [.. Enumerable.Range(0, 1 + inputs)];
}
