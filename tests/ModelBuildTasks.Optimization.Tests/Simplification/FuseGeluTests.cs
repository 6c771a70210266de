using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FuseGeluTests
{
    [TestMethod]
    [DataRow("(hx)g")]
    [DataRow("h(xg)")]
    [DataRow("x(hg)")]
    public void The_error_function_form_becomes_a_gelu_in_any_order(string order) =>
        AssertLeaves(["Gelu"], From([2, 16], (g, x) => Product(g, order, x, Exact(g, x))));

    [TestMethod]
    [DataRow("x³ as a power")]
    [DataRow("x³ as products")]
    [DataRow("c·x first")]
    public void The_tanh_form_becomes_a_fast_gelu(string cube) =>
        AssertLeaves(["FastGelu"], From([2, 16], (g, x) => Product(g, "(hx)g", x, Approximate(g, x, cube))));

    [TestMethod]
    [DataRow("Gelu")]
    [DataRow("FastGelu")]
    public void It_differs_from_the_formula_by_no_more_than_rounding_at_1(string operation)
    {
        float[] x = [.. Enumerable.Range(-512, 1025).Select(i => i / 64f)];

        (float[] written, float[] left) = Results(Tensor.Vector(x), (g, v) => Product(g, "(hx)g", v, operation == "Gelu" ? Exact(g, v) : Approximate(g, v, "x³ as a power")));

        for (int i = 0; i < x.Length; i++)
        {
            Assert.AreEqual(written[i], left[i], Math.Abs(x[i]) * Math.ScaleB(1, -22), $"at {x[i]}");
        }
    }

    [TestMethod]
    public void It_does_not_overflow_where_a_product_of_the_formula_does()
    {
        (float[] written, float[] left) = Results(Tensor.Vector(3e38f, 1e38f), (g, v) => Product(g, "h(xg)", v, Exact(g, v)));

        CollectionAssert.AreEqual(new[] { float.PositiveInfinity, 1e38f }, written);
        CollectionAssert.AreEqual(new[] { 3e38f, 1e38f }, left);
    }

    [TestMethod]
    public void A_part_that_is_read_otherwise_keeps_it_and_says_why()
    {
        Simplified result = From([2, 16], (g, x) =>
        {
            Value gate = Exact(g, x);
            return g.Add("Add", Product(g, "(hx)g", x, gate), gate);
        });

        CollectionAssert.Contains(result.Operators, "Erf");
        Assert.Contains("is used by another node", result.Refusals);
    }

    [TestMethod]
    public void A_type_without_a_kernel_keeps_it() =>
        CollectionAssert.Contains(From([2, 16], (g, x) =>
        {
            Value wide = g.AddNode("Cast", [x]).Set("to", (long)ElementType.Double).Output;
            Value cubic = g.Add("Mul", Wide(g, 0.044715), g.Add("Pow", wide, Wide(g, 3)));
            Value gate = g.Add("Add", g.Add("Tanh", g.Add("Mul", Wide(g, Math.Sqrt(2 / Math.PI)), g.Add("Add", wide, cubic))), Wide(g, 1));
            return g.AddNode("Cast", [g.Add("Mul", g.Add("Mul", wide, Wide(g, 0.5)), gate)]).Set("to", (long)ElementType.Float).Output;
        }).Operators, "Tanh");

    [TestMethod]
    public void Another_factor_is_another_function() =>
        CollectionAssert.Contains(From([2, 16], (g, x) => g.Add("Mul", g.Add("Mul", x, Number(g, 0.6f)), Exact(g, x))).Operators, "Erf");

    [TestMethod]
    public void A_constant_that_widens_the_result_keeps_it() =>
        CollectionAssert.Contains(From([16], (g, x) => g.Add("Mul", g.Add("Mul", x, g.AddInitializer("half", Tensor.Create([1, 1], [0.5f]))), Exact(g, x))).Operators, "Erf");

    [TestMethod]
    [DataRow(17L, "Erf", "needs operator set 20")]
    [DataRow(20L, "Gelu", "")]
    public void A_target_without_ONNX_Runtimes_operators_gets_the_standard_one_where_the_operator_set_has_it(long opset, string op, string refusal)
    {
        Model model = Model.Create("g", opset, 9);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 16));
        model.Graph.AddOutput(Product(model.Graph, "(hx)g", x, Exact(model.Graph, x)));

        PassOutcome outcome = new GraphSimplification().Apply(model, new PassContext(TargetProfiles.TensorRt));

        Assert.IsTrue(model.Graph.Nodes.Any(node => node.OpType == op && node.Domain.Length == 0), outcome.Explanation);
        Assert.Contains(refusal, string.Join("\n", outcome.Refusals));
    }

    private static Value Product(Graph g, string order, Value x, Value gate) => order switch
    {
        "(hx)g" => g.Add("Mul", g.Add("Mul", x, Number(g, 0.5f)), gate),
        "h(xg)" => g.Add("Mul", Number(g, 0.5f), g.Add("Mul", gate, x)),
        _ => g.Add("Mul", x, g.Add("Mul", gate, Number(g, 0.5f))),
    };

    private static Value Exact(Graph g, Value x) => g.Add("Add", g.Add("Erf", g.Add("Div", x, Number(g, MathF.Sqrt(2)))), Number(g, 1));

    private static Value Approximate(Graph g, Value x, string cube)
    {
        Value c = Number(g, 0.044715f);
        Value cubic = cube switch
        {
            "x³ as a power" => g.Add("Mul", g.Add("Pow", x, Number(g, 3)), c),
            "x³ as products" => g.Add("Mul", c, g.Add("Mul", x, g.Add("Mul", x, x))),
            _ => g.Add("Mul", x, g.Add("Mul", x, g.Add("Mul", c, x))),
        };
        return g.Add("Add", Number(g, 1), g.Add("Tanh", g.Add("Mul", Number(g, 0.7978846f), g.Add("Add", x, cubic))));
    }

    private static Value Wide(Graph g, double value) => g.AddInitializer("number", Tensor.Scalar(value));

    private static Value Number(Graph g, float value) => g.AddInitializer("number", Tensor.Scalar(value));
}
