using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class RanksTests
{
    private static readonly TensorType AnyRank = new(ElementType.Float, (IReadOnlyList<Dimension>?)null);

    private readonly Model model = Model.Create("g", 17, 8);
    private readonly Value unknown;
    private readonly Value matrix;

    public RanksTests()
    {
        unknown = Graph.AddInput("unknown", AnyRank);
        matrix = Graph.AddInput("matrix", new TensorType(ElementType.Float, "N", 4));
    }

    private Graph Graph => model.Graph;

    private RuleContext Context { get; } = new(new Dictionary<Value, TensorType>(), TargetProfiles.Cpu);

    [TestMethod]
    public void A_rank_grows_and_shrinks_by_the_axes_that_are_stated()
    {
        Value four = Graph.Add("Unsqueeze", Graph.Add("Relu", matrix), Simplified.Longs(Graph, 0, -1));
        Value three = Graph.Add("Squeeze", four, Simplified.Longs(Graph, 0));

        AssertPossible([4], four);
        AssertPossible([3], three);
    }

    [TestMethod]
    public void Axes_that_are_left_out_or_computed_leave_the_rank_open()
    {
        AssertPossible(null, Graph.Add("Squeeze", matrix));
        AssertPossible(null, Graph.Add("Unsqueeze", matrix, Graph.AddInput("axes", new TensorType(ElementType.Int64, 1))));
    }

    [TestMethod]
    public void A_custom_operator_of_a_known_name_leaves_the_rank_open() =>
        AssertPossible(null, Graph.AddNode("Relu", [matrix], domain: "somewhere.else").Output);

    [TestMethod]
    public void An_If_may_have_the_rank_of_either_branch_but_for_one_that_nothing_bounds()
    {
        AssertPossible([2, 3], Choice(branch => branch.Add("Relu", matrix), branch => branch.Add("Unsqueeze", matrix, Simplified.Longs(branch, 0))));
        AssertPossible(null, Choice(branch => branch.Add("Relu", matrix), branch => branch.Add("Relu", unknown)));
    }

    [TestMethod]
    [DataRow("LSTM", 0, 3)]
    [DataRow("LSTM", 6, 3)]
    [DataRow("GRU", 5, 3)]
    [DataRow("GRU", 6, null)]
    [DataRow("Gemm", 1, 2)]
    [DataRow("Gemm", 0, null)]
    [DataRow("Gemm", 2, null)]
    [DataRow("MatMul", 0, null)]
    public void A_reader_insists_on_a_rank_only_where_the_operator_has_one(string operation, int index, int? needed)
    {
        Value?[] inputs = new Value?[index + 1];
        inputs[index] = unknown;
        Graph.AddNode(operation, inputs);

        Assert.AreEqual(needed, Ranks.NeededOf(unknown, Context));
    }

    /// <summary>The shapes of the inputs, of the right rank all.</summary>
    private static readonly Dictionary<string, long[][]> Insisting = new()
    {
        ["LSTM"] = [[5, 2, 3], [1, 8, 3], [1, 8, 2], [1, 16], [], [1, 2, 2], [1, 2, 2]],
        ["GRU"] = [[5, 2, 3], [1, 6, 3], [1, 6, 2], [1, 12], [], [1, 2, 2]],
        ["RNN"] = [[5, 2, 3], [1, 2, 3], [1, 2, 2], [1, 4], [], [1, 2, 2]],
        ["Gemm"] = [[2, 4], [4, 3]],
        ["Conv"] = [[1, 3, 4, 4], [2, 3, 1, 1]],
        ["ConvTranspose"] = [[1, 3, 4, 4], [3, 2, 1, 1]],
    };

    [TestMethod]
    [DataRow("LSTM", 0)]
    [DataRow("LSTM", 5)]
    [DataRow("LSTM", 6)]
    [DataRow("GRU", 0)]
    [DataRow("GRU", 5)]
    [DataRow("RNN", 0)]
    [DataRow("RNN", 5)]
    [DataRow("Gemm", 1)]
    [DataRow("Conv", 0)]
    [DataRow("ConvTranspose", 0)]
    public void The_runtime_refuses_every_rank_but_the_one_that_a_reader_needs(string operation, int index)
    {
        long[] shape = Insisting[operation][index];
        foreach (long[] other in new[] { [], shape[..1], shape[1..], shape[..^1], [1, .. shape], [.. shape, 1] }.Where(other => other.Length != shape.Length))
        {
            Assert.IsFalse(Runs(operation, index, other), $"it runs on {other.Length} dimensions");
        }

        Assert.IsTrue(Runs(operation, index, shape));
    }

    /// <summary>Whether ONNX Runtime runs the operator with an input of a rank that it learns only then.</summary>
    private static bool Runs(string operation, int index, long[] shape)
    {
        Model single = Model.Create("g", 17, 8);
        Value fed = single.Graph.AddInput("x", AnyRank);
        Node node = single.Graph.AddNode(operation, [.. Insisting[operation].Select((size, i) => i == index ? fed : size.Length == 0 ? null : Simplified.Weight(single.Graph, size))]);
        single.Graph.AddOutput(operation is "LSTM" or "GRU" or "RNN" ? node.Set("hidden_size", 2L).Output : node.Output);
        try
        {
            using ModelSession session = ModelSession.Open(single, new SessionSettings(Optimize: false));
            session.Run([Simplified.Random(shape)]);
            return true;
        }
        catch (InferenceException)
        {
            return false;
        }
    }

    [TestMethod]
    public void What_a_reader_needs_holds_through_operators_that_change_the_rank()
    {
        Graph.Add("LSTM", Graph.Add("Unsqueeze", Graph.Add("Tanh", unknown), Simplified.Longs(Graph, 1)));

        Assert.AreEqual(2, Ranks.NeededOf(unknown, Context));
    }

    [TestMethod]
    public void A_reader_that_may_not_run_insists_on_nothing()
    {
        Choice(branch => branch.Add("Gemm", matrix, unknown), branch => branch.Add("Relu", unknown));

        Assert.IsNull(Ranks.NeededOf(unknown, Context));
    }

    private Value Choice(Func<Graph, Value> taken, Func<Graph, Value> other) =>
        Branches.AddIf(Graph.AddInput(Graph.UniqueName("condition"), new TensorType(ElementType.Bool)), taken, other);

    private void AssertPossible(int[]? expected, Value value) => CollectionAssert.AreEquivalent(expected, Ranks.PossibleOf(value, Context)?.ToArray());
}
