namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class MatMulGradientTests
{
    [TestMethod]
    public void Matches_differences_for_matrices() => GradientCheck.Verify((graph, v) => graph.Add("MatMul", v[0], v[1]), [2, 3], [3, 4]);

    [TestMethod]
    public void Matches_differences_for_a_stack_by_a_matrix() => GradientCheck.Verify((graph, v) => graph.Add("MatMul", v[0], v[1]), [2, 5, 2, 3], [3, 4]);

    [TestMethod]
    public void Sums_over_broadcast_stacks() => GradientCheck.Verify((graph, v) => graph.Add("MatMul", v[0], v[1]), [2, 1, 2, 3], [4, 3, 2]);

    [TestMethod]
    public void Matches_differences_for_random_stacks()
    {
        for (int seed = 1; seed <= 8; seed++)
        {
            long[][] stacks = RandomShapes.DrawBroadcast(seed, 2);
            long[] sizes = RandomShapes.Draw(seed, rank: 3);
            GradientCheck.Verify((graph, v) => graph.Add("MatMul", v[0], v[1]), [.. stacks[0], sizes[0], sizes[1]], [.. stacks[1], sizes[1], sizes[2]]);
        }
    }

    [TestMethod]
    public void Matches_differences_for_vectors()
    {
        GradientCheck.Verify((graph, v) => graph.Add("MatMul", v[0], v[1]), [2, 3], [3]);
        GradientCheck.Verify((graph, v) => graph.Add("MatMul", v[0], v[1]), [3], [3, 4]);
        GradientCheck.Verify((graph, v) => graph.Add("MatMul", v[0], v[1]), [3], [2, 3, 4]);
        GradientCheck.Verify((graph, v) => graph.Add("MatMul", v[0], v[1]), [2, 4, 3], [3]);
        GradientCheck.Verify((graph, v) => graph.Add("MatMul", v[0], v[1]), [3], [3]);
    }
}
