using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FixReshapeTests
{
    [TestMethod]
    public void Dimensions_that_the_shape_restates_at_their_places_are_copied()
    {
        Simplified result = Simplified.From(["N", "S", 12], (g, x) => g.Add("Reshape", x, Concat(g, Dimension(g, x, 0), Dimension(g, x, 1), Numbers(g, 3, 4))));

        CollectionAssert.AreEqual(new[] { "Reshape" }, result.Operators);
        CollectionAssert.AreEqual(new long[] { 0, 0, 3, 4 }, Target(result.Model));
    }

    [TestMethod]
    public void A_dimension_of_another_value_is_copied_when_it_has_the_same_name()
    {
        Simplified result = Simplified.From(["N", "S", 12], (g, x) =>
        {
            Value y = g.Add("MatMul", g.Add("Exp", x), Simplified.Weight(g, 12, 6));
            return g.Add("Reshape", y, Concat(g, Dimension(g, x, 0), Dimension(g, x, 1), Numbers(g, 2, 3)));
        });

        CollectionAssert.AreEqual(new[] { "Exp", "MatMul", "Reshape" }, result.Operators);
        CollectionAssert.AreEqual(new long[] { 0, 0, 2, 3 }, Target(result.Model));
    }

    [TestMethod]
    public void A_name_that_an_input_gives_to_two_dimensions_is_not_believed()
    {
        Simplified result = Simplified.From(["?", "?", 12], (g, x) =>
        {
            Value turned = g.AddNode("Transpose", [x]).Set("perm", [1L, 0, 2]).Output;
            return g.Add("Reshape", turned, Concat(g, Dimension(g, x, 0), Dimension(g, x, 1), Numbers(g, 3, 4)));
        });

        Assert.Contains("Concat", result.Operators);
    }

    [TestMethod]
    public void Dimensions_that_change_places_are_not_copied()
    {
        Simplified result = Simplified.From(["N", "S", 12], (g, x) => g.Add("Reshape", x, Concat(g, Dimension(g, x, 1), Dimension(g, x, 0), Numbers(g, 3, 4))));

        Assert.Contains("Concat", result.Operators);
    }

    [TestMethod]
    public void A_copied_dimension_and_an_unknown_one_do_not_go_together()
    {
        Simplified result = Simplified.From(["N", "S", 12], (g, x) =>
        {
            Value product = g.Add("Mul", Dimension(g, x, 1), Numbers(g, 2));
            return g.Add("Reshape", x, Concat(g, Dimension(g, x, 0), product, Numbers(g, 6)));
        });

        Assert.Contains("Concat", result.Operators);
    }

    [TestMethod]
    public void The_only_unknown_dimension_follows_from_the_element_count()
    {
        Simplified result = Simplified.From(["N", "S", 12], (g, x) =>
        {
            Value product = g.Add("Mul", Dimension(g, x, 0), Dimension(g, x, 1));
            return g.Add("Reshape", x, Concat(g, product, Numbers(g, 12)));
        });

        CollectionAssert.AreEqual(new long[] { -1, 12 }, Target(result.Model));
    }

    [TestMethod]
    public void A_size_computed_from_fixed_dimensions_is_known_though_the_batch_is_free()
    {
        Simplified result = Simplified.From(["N", 4, 6], (g, x) =>
        {
            Value area = g.Add("Mul", Dimension(g, x, 1), Dimension(g, x, 2));
            return g.Add("Reshape", x, Concat(g, Dimension(g, x, 0), area));
        });

        CollectionAssert.AreEqual(new[] { "Reshape" }, result.Operators);
        CollectionAssert.AreEqual(new long[] { -1, 24 }, Target(result.Model));
    }

    [TestMethod]
    public void A_slice_of_the_shape_counts_like_one_element_of_it()
    {
        Simplified result = Simplified.From(["N", "S", 12], (g, x) =>
        {
            Value first = g.Add("Slice", g.Add("Shape", x), Numbers(g, 0), Numbers(g, 1), Numbers(g, 0));
            Value second = g.Add("Slice", g.Add("Shape", x), Numbers(g, -2), Numbers(g, -1), Numbers(g, 0));
            return g.Add("Reshape", x, Concat(g, first, second, Numbers(g, 3, 4)));
        });

        CollectionAssert.AreEqual(new long[] { 0, 0, 3, 4 }, Target(result.Model));
    }

    [TestMethod]
    public void Equal_names_in_two_inputs_do_not_make_the_sizes_equal()
    {
        Model model = Model.Create("g", 17, 8);
        Value a = model.Graph.AddInput("a", new TensorType(ElementType.Float, "None", "T", 8));
        Value b = model.Graph.AddInput("b", new TensorType(ElementType.Float, "None"));
        model.Graph.AddOutput(model.Graph.Add("Reshape", a, Concat(model.Graph, Dimension(model.Graph, b, 0), Dimension(model.Graph, a, 1), Numbers(model.Graph, 4))));

        Simplified.Of(model, Simplified.Random(2, 3, 8), Simplified.Random(4));
    }

    private static Value Concat(Graph graph, params Value[] parts) => graph.AddNode("Concat", parts).Set("axis", 0L).Output;

    private static Value Dimension(Graph graph, Value x, long axis) =>
        graph.Add("Unsqueeze", graph.Add("Gather", graph.Add("Shape", x), graph.AddInitializer("i", Tensor.Scalar(axis))), Numbers(graph, 0));

    private static Value Numbers(Graph graph, params long[] values) => graph.AddInitializer("numbers", Tensor.Vector(values));

    private static long[]? Target(Model model) => model.Graph.Nodes.Single(node => node.OpType == "Reshape").Input(1)!.Constant?.Span<long>().ToArray();
}
