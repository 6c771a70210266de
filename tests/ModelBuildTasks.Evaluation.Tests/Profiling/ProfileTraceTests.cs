using System.Text;
using ModelBuildTasks.Evaluation.Profiling;
using ModelBuildTasks.Inference;

namespace ModelBuildTasks.Evaluation.Tests.Profiling;

[TestClass]
public sealed class ProfileTraceTests
{
    [TestMethod]
    public void Nodes_are_told_by_their_median_over_runs_the_slowest_first()
    {
        IReadOnlyList<OperatorCost> costs = Read(0, Node("a", "Conv", 1000), Node("b", "Relu", 200), Run, Node("a", "Conv", 3000), Node("b", "Relu", 400), Run, Node("a", "Conv", 1600), Node("b", "Relu", 9000), Run);

        CollectionAssert.AreEqual(new[] { new OperatorCost("a", "Conv", 1.6, 0.8), new OperatorCost("b", "Relu", 0.4, 0.2) }, costs.ToArray());
    }

    [TestMethod]
    public void Executions_of_a_node_in_one_run_add_up() =>
        Assert.AreEqual(0.5, Read(0, Node("a", "Add", 200), Node("a", "Add", 300), Run).Single().Milliseconds);

    [TestMethod]
    public void Warm_up_runs_do_not_count() =>
        Assert.AreEqual(0.1, Read(1, Node("a", "Add", 9000), Run, Node("a", "Add", 100), Run).Single().Milliseconds);

    [TestMethod]
    public void The_time_of_a_branch_is_that_of_its_nodes() =>
        Assert.AreEqual("inner", Read(0, Node("inner", "Add", 100), Node("outer", "If", 150), Run).Single().Name);

    [TestMethod]
    public void A_run_that_did_not_end_does_not_count() => Assert.IsEmpty(Read(0, Node("a", "Add", 100)));

    [TestMethod]
    [DataRow("")]
    [DataRow("{")]
    [DataRow("{}")]
    [DataRow("[{}]")]
    [DataRow("[1]")]
    [DataRow("""[{"cat":"Node","name":"a_kernel_time","args":{"op_name":"Add"},"dur":"long"}]""")]
    public void What_is_no_trace_is_refused(string text) =>
        Assert.ThrowsExactly<InferenceException>(() => ProfileTrace.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), 0));

    private const string Run = """{"cat":"Session","name":"model_run","dur":5000,"args":{}}""";

    private static string Node(string name, string operation, int microseconds) =>
        $$"""{"cat":"Node","name":"{{name}}_kernel_time","dur":{{microseconds}},"args":{"op_name":"{{operation}}","provider":"CPUExecutionProvider"} }""";

    private static IReadOnlyList<OperatorCost> Read(int warmUpRuns, params string[] events) =>
        ProfileTrace.Read(new MemoryStream(Encoding.UTF8.GetBytes($"[{string.Join(",\n", events)}]")), warmUpRuns);
}
