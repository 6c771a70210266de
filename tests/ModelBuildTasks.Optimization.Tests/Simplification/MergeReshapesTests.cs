using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MergeReshapesTests
{
    [TestMethod]
    public void Reshapes_that_lead_back_vanish()
    {
        Simplified result = Simplified.From([1, 4], (g, x) =>
        {
            Value axes = g.AddInitializer("axes", Tensor.Vector(0L));
            return g.Add("Neg", g.Add("Squeeze", g.Add("Unsqueeze", g.Add("Exp", x), axes), axes));
        });

        CollectionAssert.AreEqual(new[] { "Exp", "Neg" }, result.Operators);
    }

    [TestMethod]
    public void Two_reshapes_become_the_last() =>
        AssertLeaves(["Exp", "Reshape", "Neg"], From([2, 6], (g, x) => Between(g, x, inner => g.Add("Reshape", g.Add("Reshape", inner, Longs(g, 3, 4)), Longs(g, 2, 2, 3)))));

    [TestMethod]
    public void An_unsqueeze_that_is_squeezed_vanishes_without_any_shape() =>
        AssertLeaves(["Exp", "Neg"], From(["n", "m"], (g, x) => Between(g, x, inner => g.Add("Squeeze", g.Add("Unsqueeze", inner, Longs(g, 1)), Longs(g, 1)))));

    [TestMethod]
    public void A_squeeze_of_size_one_that_is_unsqueezed_vanishes() =>
        AssertLeaves(["Exp", "Neg"], From(["n", 1, "m"], (g, x) => Between(g, x, inner => g.Add("Unsqueeze", g.Add("Squeeze", inner, Longs(g, 1)), Longs(g, -2)))));

    [TestMethod]
    public void A_squeeze_that_may_fail_stays()
    {
        Model model = Model.Create("g", 17, 8);
        Graph g = model.Graph;
        Value x = g.AddInput("x", new TensorType(ElementType.Float, "n", "m"));
        g.AddOutput(Between(g, x, inner => g.Add("Unsqueeze", g.Add("Squeeze", inner, Longs(g, 1)), Longs(g, 1))));

        AssertLeaves(["Exp", "Squeeze", "Unsqueeze", "Neg"], Of(model, Random(3, 1)));
    }

    [TestMethod]
    [DataRow(17L)]
    [DataRow(11L)]
    public void Two_unsqueezes_have_their_axes_in_one(long opset)
    {
        Simplified result = From(["n", "m"], (g, x) => Between(g, x, inner => Unsqueeze(g, Unsqueeze(g, inner, opset, 1), opset, 0, 2)), opset);

        AssertLeaves(["Exp", "Unsqueeze", "Neg"], result);
    }

    [TestMethod]
    public void Two_squeezes_have_their_axes_in_one() =>
        AssertLeaves(["Exp", "Squeeze", "Neg"], From(["n", 1, "m", 1], (g, x) => Between(g, x, inner => g.Add("Squeeze", g.Add("Squeeze", inner, Longs(g, 1)), Longs(g, -1)))));

    [TestMethod]
    public void A_squeeze_and_an_unsqueeze_elsewhere_become_one_reshape() =>
        AssertLeaves(["Exp", "Reshape", "Neg"], From(["n", 1, 5], (g, x) => Between(g, x, inner => g.Add("Unsqueeze", g.Add("Squeeze", inner, Longs(g, 1)), Longs(g, 2)))));

    [TestMethod]
    public void A_reshape_that_copies_a_dimension_of_the_inner_one_stays() =>
        AssertLeaves(["Exp", "Reshape", "Reshape", "Neg"], From(["n", "m", "k"], (g, x) => Between(g, x, inner => g.Add("Reshape", g.Add("Reshape", inner, Longs(g, 0, -1)), Longs(g, 1, 0, -1)))));

    private static Value Between(Graph g, Value x, Func<Value, Value> reshapes) => g.Add("Neg", reshapes(g.Add("Exp", x)));

    private static Value Unsqueeze(Graph g, Value x, long opset, params long[] axes) =>
        opset >= 13 ? g.Add("Unsqueeze", x, Longs(g, axes)) : g.AddNode("Unsqueeze", [x]).Set("axes", axes).Output;
}
