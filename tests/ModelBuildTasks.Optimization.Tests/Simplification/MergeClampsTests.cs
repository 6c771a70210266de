using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MergeClampsTests
{
    [TestMethod]
    public void A_repeated_relu_goes() => AssertLeaves(["Sin", "Relu"], Of(7, (g, x) => g.Add("Relu", g.Add("Relu", x))));

    [TestMethod]
    [DataRow(17L)]
    [DataRow(9L)]
    public void A_minimum_of_a_relu_is_a_clip(long opset) =>
        AssertLeaves(["Sin", "Clip"], Of(opset, (g, x) => g.Add("Min", g.Add("Relu", x), Number(g, 0.25f))));

    [TestMethod]
    public void A_maximum_of_a_minimum_is_a_clip() =>
        AssertLeaves(["Sin", "Clip"], Of(17, (g, x) => g.Add("Max", Number(g, -0.5f), g.Add("Min", x, Number(g, 0.25f)))));

    [TestMethod]
    [DataRow(-0.5f, 0.5f, 0.1f, 0.9f)]
    [DataRow(0.6f, 0.9f, -0.4f, 0.2f)]
    [DataRow(-0.9f, -0.6f, -0.4f, 0.2f)]
    public void Two_clips_become_one(float a, float b, float c, float d) =>
        AssertLeaves(["Sin", "Clip"], Of(17, (g, x) => g.Add("Clip", g.Add("Clip", x, Number(g, a), Number(g, b)), Number(g, c), Number(g, d))));

    [TestMethod]
    public void Clips_with_attributes_become_one() =>
        AssertLeaves(["Sin", "Clip"], Of(9, (g, x) => g.AddNode("Clip", [g.AddNode("Clip", [x]).Set("max", 0.5f).Output]).Set("min", -0.5f).Output));

    [TestMethod]
    public void A_maximum_of_a_relu_that_admits_more_is_a_relu() =>
        AssertLeaves(["Sin", "Relu"], Of(17, (g, x) => g.Add("Max", g.Add("Relu", x), Number(g, -3))));

    [TestMethod]
    public void A_relu_that_is_read_otherwise_stays() =>
        AssertLeaves(["Sin", "Relu", "Clip", "Add"], Of(17, (g, x) =>
        {
            Value relu = g.Add("Relu", x);
            return g.Add("Add", g.Add("Clip", relu, null, Number(g, 0.5f)), relu);
        }));

    [TestMethod]
    public void Bounds_for_each_element_stay() =>
        AssertLeaves(["Sin", "Relu", "Min"], Of(17, (g, x) => g.Add("Min", g.Add("Relu", x), Weight(g, 60))));

    [TestMethod]
    [DataRow(ElementType.Double, 17L)]
    [DataRow(ElementType.Float16, 17L)]
    [DataRow(ElementType.Float16, 9L)]
    public void Bounds_of_another_floating_point_type_become_one_clip(ElementType type, long opset) =>
        AssertLeaves(["Sin", "Cast", "Clip", "Cast"], Of(opset, (g, x) => Back(g, g.Add("Min", g.Add("Relu", Cast(g, x, type)), Number(g, 0.25f, type)))));

    [TestMethod]
    public void Doubles_stay_where_the_runtime_has_no_clip_of_them() =>
        AssertLeaves(["Sin", "Cast", "Relu", "Min", "Cast"], Of(9, (g, x) => Back(g, g.Add("Min", g.Add("Relu", Cast(g, x, ElementType.Double)), Number(g, 0.25f, ElementType.Double)))));

    [TestMethod]
    public void Two_relus_of_halves_are_one() =>
        AssertLeaves(["Sin", "Cast", "Relu", "Cast"], Of(17, (g, x) => Back(g, g.Add("Relu", g.Add("Relu", Cast(g, x, ElementType.Float16))))));

    /// <summary>60 numbers between −1 and 1.</summary>
    private static Simplified Of(long opset, Func<Graph, Value, Value> build)
    {
        Model model = Model.Create("g", opset, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 60));
        model.Graph.AddOutput(build(model.Graph, model.Graph.Add("Sin", x)));
        return Simplified.Of(model, Tensor.Vector([.. Enumerable.Range(0, 60).Select(i => i / 9f)]));
    }

    private static Value Number(Graph g, float value) => g.AddInitializer("number", Tensor.Scalar(value));

    private static Value Number(Graph g, float value, ElementType type) =>
        g.AddInitializer("number", type == ElementType.Double ? Tensor.Scalar((double)value) : Tensor.Scalar((Half)value));

    private static Value Cast(Graph g, Value x, ElementType type) => g.AddNode("Cast", [x]).Set("to", (long)type).Output;

    private static Value Back(Graph g, Value x) => Cast(g, x, ElementType.Float);

    [TestMethod]
    public void Before_operator_set_11_there_is_no_clip_without_an_upper_bound()
    {
        Model model = Model.Create("g", 9, 4);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 4));
        model.Graph.AddOutput(model.Graph.Add("Max", model.Graph.Add("Relu", x), model.Graph.AddInitializer("c", Tensor.Scalar(0.5f))));

        Simplified result = Simplified.Of(model, Tensor.Vector(-1f, 1f, 2f, 3f));

        CollectionAssert.AreEqual(new[] { "Relu", "Max" }, result.Operators);
        Assert.Contains("two finite bounds", result.Refusals);
    }

    /// <summary>Infinity is a number that a Relu and a Max let through, and that a Clip without that bound does not.</summary>
    [TestMethod]
    [DataRow("Relu", "Max", "Clip")]
    [DataRow("Min", "Min", "Clip")]
    [DataRow("Max", "Max", "Clip")]
    [DataRow("Clip", "Relu", "Clip")]
    [DataRow("Relu", "Clip", "Clip")]
    [DataRow("Relu", "Relu", "Relu")]
    public void Infinity_passes_as_far_as_before(string first, string second, string expected)
    {
        foreach (long opset in new[] { 11L, 13, 24 })
        {
            Model model = Model.Create("g", opset, 7);
            Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 4));
            model.Graph.AddOutput(Clamp(model.Graph, second, Clamp(model.Graph, first, x)));
            Model before = model.Clone();

            CollectionAssert.AreEqual(new[] { expected }, Simplified.Of(model, Tensor.Vector(-1f, 1f, 2f, 3f)).Operators);

            Tensor extremes = Tensor.Vector(float.NegativeInfinity, float.MinValue, float.MaxValue, float.PositiveInfinity);
            using ModelSession source = ModelSession.Open(before, new SessionSettings(Optimize: false));
            using ModelSession merged = ModelSession.Open(model, new SessionSettings(Optimize: false));
            CollectionAssert.AreEqual(source.Run([extremes])[0].ToSingles(), merged.Run([extremes])[0].ToSingles());
        }

        static Value Clamp(Graph g, string op, Value x) => op switch
        {
            "Relu" => g.Add("Relu", x),
            "Clip" => g.Add("Clip", x, Number(g, 0)),
            _ => g.Add(op, x, Number(g, 2)),
        };
    }

    [TestMethod]
    public void Before_operator_set_11_a_bound_that_is_left_out_is_the_largest_number()
    {
        Model model = Model.Create("g", 9, 4);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2));
        model.Graph.AddOutput(model.Graph.Add("Relu", model.Graph.AddNode("Clip", [x]).Set("min", -2f).Output));
        Model before = model.Clone();
        Tensor infinity = Tensor.Vector(float.PositiveInfinity, -1f);

        Simplified.Of(model, Tensor.Vector(5f, -1f));

        using ModelSession expected = ModelSession.Open(before, new SessionSettings(Optimize: false));
        using ModelSession actual = ModelSession.Open(model, new SessionSettings(Optimize: false));
        CollectionAssert.AreEqual(expected.Run([infinity])[0].ToSingles(), actual.Run([infinity])[0].ToSingles());
    }
}
