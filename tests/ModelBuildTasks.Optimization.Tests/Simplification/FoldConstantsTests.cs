using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FoldConstantsTests
{
    [TestMethod]
    public void Computes_a_weight_that_only_serves_one_reader() =>
        AssertLeaves(["Add"], Simplified.From([64, 64], (g, x) => g.Add("Add", x, g.Add("Transpose", Simplified.Weight(g, 64, 64)))));

    [TestMethod]
    public void Does_not_copy_a_large_weight_that_others_read()
    {
        Simplified result = Simplified.From([64, 64], (g, x) =>
        {
            Value w = Simplified.Weight(g, 64, 64);
            return g.Add("Add", g.Add("Add", x, g.Add("Transpose", w)), w);
        });

        CollectionAssert.Contains(result.Operators, "Transpose");
        Assert.Contains("would take 16412 bytes", result.Refusals);
    }

    [TestMethod]
    public void Does_not_expand_a_scalar_into_the_file() =>
        AssertLeaves(["Expand", "Max"], Simplified.From([100, 100], (g, x) => g.Add("Max", x, g.Add("Expand", Simplified.Weight(g, 1), g.AddInitializer("shape", Tensor.Vector(100L, 100L))))));

    [TestMethod]
    public void Leaves_random_numbers_and_quantized_weights()
    {
        Simplified result = Simplified.From([4], (g, x) =>
        {
            Value dequantized = g.Add("DequantizeLinear", g.AddInitializer("q", Tensor.Vector<byte>(1, 2, 3, 4)), g.AddInitializer("scale", Tensor.Scalar(0.5f)), g.AddInitializer("zero", Tensor.Scalar<byte>(1)));
            Value random = g.AddNode("RandomUniformLike", [dequantized]).Output;
            return g.Add("Add", x, g.Add("Add", dequantized, g.Add("Mul", random, g.AddInitializer("nothing", Tensor.Scalar(0f)))));
        });

        CollectionAssert.IsSubsetOf(new[] { "DequantizeLinear", "RandomUniformLike" }, result.Operators);
    }

    [TestMethod]
    public void Folds_the_shape_of_fixed_dimensions_and_what_follows_from_it() =>
        AssertLeaves(["Reshape"], Simplified.From([2, 3, 4], (g, x) => g.Add("Reshape", x, g.Add("Concat", g, g.Add("Shape", x)))));

    [TestMethod]
    public void Never_bakes_the_batch_size_into_a_reshape()
    {
        Simplified result = Simplified.From(["n", 3, 4], (g, x) =>
        {
            Value batch = g.Add("Gather", g.Add("Shape", x), g.AddInitializer("first", Tensor.Vector(0L)));
            return g.Add("Reshape", x, g.Add("Concat", g, batch, g.AddInitializer("rest", Tensor.Vector(12L))));
        });

        AssertLeaves(["Reshape"], result);
        CollectionAssert.AreEqual(new[] { -1L, 12L }, result.Model.Graph.Nodes[0].Input(1)!.Initializer!.Span<long>().ToArray());
    }

    private static void AssertLeaves(string[] operators, Simplified result) => CollectionAssert.AreEqual(operators, result.Operators);
}

internal static class GraphBuilding
{
    /// <summary>A concatenation of vectors.</summary>
    internal static Value Add(this Graph graph, string op, Graph same, params Value[] parts)
    {
        Assert.AreSame(graph, same);
        return graph.AddNode(op, parts).Set("axis", 0L).Output;
    }
}
