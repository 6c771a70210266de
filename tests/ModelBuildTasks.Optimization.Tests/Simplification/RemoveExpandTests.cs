using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class RemoveExpandTests
{
    [TestMethod]
    public void An_expand_to_the_shape_of_the_reshape_before_goes() =>
        CollectionAssert.DoesNotContain(
            From(["n", 2, 4], (g, x) =>
            {
                Value batch = g.Add("Gather", g.AddNode("Cast", [g.Add("Shape", x)]).Set("to", (long)ElementType.Int32).Output, Longs(g, 0));
                Value joined = g.AddNode("Concat", [batch, g.AddInitializer("rest", Tensor.Vector(8, 1))]).Set("axis", 0L).Output;
                Value shape = g.AddNode("Cast", [joined]).Set("to", (long)ElementType.Int64).Output;
                return g.Add("Expand", g.Add("Reshape", x, shape), shape);
            }).Operators,
            "Expand");

    [TestMethod]
    [DataRow(0L)]
    [DataRow(1L)]
    public void An_expand_to_the_shape_that_a_caller_feeds_stays_since_a_0_copies_in_one_and_empties_in_the_other(long first)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 3));
        Value shape = model.Graph.AddInput("shape", new TensorType(ElementType.Int64, 2));
        model.Graph.AddOutput(model.Graph.Add("Exp", model.Graph.Add("Expand", model.Graph.Add("Reshape", x, shape), shape)));

        CollectionAssert.Contains(Of(model, Random(1, 3), Tensor.Vector(first, 3L)).Operators, "Expand");
    }

    [TestMethod]
    public void An_expand_that_empties_what_a_reshape_leaves_as_it_is_stays()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 3));
        Value batch = model.Graph.Add("Gather", model.Graph.Add("Shape", model.Graph.AddInput("batch", new TensorType(ElementType.Float, "n"))), Longs(model.Graph, 0));
        Value shape = model.Graph.AddNode("Concat", [batch, Longs(model.Graph, 3)]).Set("axis", 0L).Output;
        model.Graph.AddOutput(model.Graph.Add("Exp", model.Graph.Add("Expand", model.Graph.Add("Reshape", x, shape), shape)));

        CollectionAssert.Contains(Of(model, Random(1, 3), Tensor.Create<float>([0], [])).Operators, "Expand");
    }

    [TestMethod]
    public void An_expand_to_what_arithmetic_broadcasts_to_goes() =>
        AssertLeaves(["ReduceMax", "Sub"], From(["n", 3], (g, x) => g.Add("Sub", x, g.Add("Expand", g.AddNode("ReduceMax", [x]).Set("axes", [1L]).Output, g.Add("Shape", x)))));

    [TestMethod]
    public void An_expand_that_widens_the_result_stays() =>
        CollectionAssert.Contains(From(["n", 3], (g, x) => g.Add("Sub", x, g.Add("Expand", x, Longs(g, 4, 1, 1)))).Operators, "Expand");

    [TestMethod]
    public void An_expand_that_something_else_reads_stays() =>
        CollectionAssert.Contains(From(["n", 3], (g, x) => g.Add("Sub", g.Add("CumSum", g.Add("Expand", g.AddNode("ReduceMax", [x]).Set("axes", [1L]).Output, g.Add("Shape", x)), Longs(g, 0)), x)).Operators, "Expand");

    [TestMethod]
    public void An_expand_times_itself_stays_since_nothing_else_gives_the_shape()
    {
        Simplified result = From([1, 4], (g, x) =>
        {
            Value wide = g.Add("Expand", x, Longs(g, 3, 4));
            return g.Add("Mul", wide, wide);
        });

        AssertLeaves(["Expand", "Mul"], result);
        Assert.Contains("is not known to broadcast to the same shape", result.Refusals);
    }

    [TestMethod]
    public void Of_two_expands_that_meet_one_goes()
    {
        Simplified result = From([1, 4], (g, x) => g.Add("Mul", g.Add("Expand", x, Longs(g, 3, 4)), g.Add("Expand", g.Add("Exp", x), Longs(g, 3, 4))));

        Assert.AreEqual(1, result.Operators.Count(op => op == "Expand"));
    }

    [TestMethod]
    public void Equal_names_in_two_inputs_do_not_make_the_sizes_equal()
    {
        Model model = Model.Create("g", 17, 8);
        Value a = model.Graph.AddInput("a", new TensorType(ElementType.Float, "None", 4));
        Value b = model.Graph.AddInput("b", new TensorType(ElementType.Float, "None", 4));
        Value y = model.Graph.AddInput("y", new TensorType(ElementType.Float, 1, 4));
        model.Graph.AddOutput(model.Graph.Add("Add", a, model.Graph.Add("Expand", y, model.Graph.Add("Shape", b))));

        Of(model, Random(1, 4), Random(3, 4), Random(1, 4));
    }
}
