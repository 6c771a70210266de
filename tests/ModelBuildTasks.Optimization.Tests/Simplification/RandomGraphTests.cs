namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>The command <c>fuzz --graphs</c> of the benchmarks runs more of them.</summary>
[TestClass]
public class RandomGraphTests
{
    private const int Graphs = 600;

    /// <summary>One in twenty may be refused by ONNX Runtime; more would be a fault of the generator.</summary>
    private const double MostRefused = 0.05;

    [TestMethod]
    public void A_random_graph_computes_the_same_and_is_no_larger_and_as_simple_as_it_gets()
    {
        RandomGraphCheck[] checks = [.. Enumerable.Range(0, Graphs).AsParallel().AsOrdered().Select(RandomGraphCheck.Of)];

        Assert.AreEqual("", string.Join("\n", checks.Select(check => check.Problem).OfType<string>()));
        Assert.IsGreaterThan((1 - MostRefused) * Graphs, checks.Count(check => check.IsCompared));
    }
}
