using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FuseAttentionTests
{
    private const int Heads = 2;
    private const int Size = 4;
    private const int Width = Heads * Size;

    /// <summary>The scaling of an exporter: none, behind the product, or √s on both sides.</summary>
    [TestMethod]
    [DataRow("none")]
    [DataRow("Div scores")]
    [DataRow("Mul scores")]
    [DataRow("Mul queries")]
    [DataRow("Mul both")]
    [DataRow("Mul both, Div scores")]
    public void The_formula_becomes_one_operator_wherever_its_scale_stands(string scale)
    {
        Simplified result = From(["batch", "sequence", Width], (g, x) => Attention(g, x, x, x, scale));

        AssertLeaves(["MultiHeadAttention"], result);
        Assert.AreEqual(Heads, result.Model.Graph.Nodes[0].GetInt("num_heads", 0));
    }

    [TestMethod]
    [DataRow(11L)]
    [DataRow(17L)]
    public void Projections_stay_matrix_products(long opset)
    {
        Simplified result = From([2, 3, Width], (g, x) => g.Add("Mul", Attention(g, Project(g, x), Project(g, x), Project(g, x), "Div scores"), x), opset);

        CollectionAssert.AreEquivalent((string[])["MatMul", "MatMul", "MatMul", "Add", "Add", "Add", "MultiHeadAttention", "Mul"], result.Operators);
    }

    [TestMethod]
    public void Shapes_that_are_computed_as_tracing_does_are_known_too() =>
        AssertLeaves(["MultiHeadAttention"], From(["batch", "sequence", Width], (g, x) => Attention(g, x, x, x, "Div scores", traced: true)));

    [TestMethod]
    public void Keys_of_another_sequence_are_attended_to()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3, Width));
        Value y = model.Graph.AddInput("y", new TensorType(ElementType.Float, 2, 5, Width));
        model.Graph.AddOutput(Attention(model.Graph, x, y, y, "Div scores"));

        AssertLeaves(["MultiHeadAttention"], Of(model, Random(2, 3, Width), Random(2, 5, Width)));
    }

    [TestMethod]
    public void A_large_attention_computes_the_same()
    {
        Model model = Model.Create("g", 17, 8);
        Value[] inputs = [.. "qkv".Select(name => model.Graph.AddInput($"{name}", new TensorType(ElementType.Float, 2, "sequence", 12 * 64)))];
        model.Graph.AddOutput(Attention(model.Graph, inputs[0], inputs[1], inputs[2], "Mul both", heads: 12, size: 64));

        AssertLeaves(["MultiHeadAttention"], Of(model, [.. inputs.Select(_ => Random(2, 130, 12 * 64))]));
    }

    [TestMethod]
    public void Queries_that_are_broadcast_over_the_batch_keep_the_formula()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 3, Width));
        Value y = model.Graph.AddInput("y", new TensorType(ElementType.Float, 2, 5, Width));
        model.Graph.AddOutput(Attention(model.Graph, x, y, y, "Div scores"));
        Simplified result = Of(model, Random(1, 3, Width), Random(2, 5, Width));

        CollectionAssert.Contains(result.Operators, "Softmax");
        Assert.Contains("not known to be the same", result.Refusals);
    }

    [TestMethod]
    public void A_mask_keeps_the_formula_and_says_why()
    {
        Simplified result = From([2, 3, Width], (g, x) => Attention(g, x, x, x, "Div scores", mask: g.AddInitializer("mask", Tensor.Create([1, 1, 1, 3], [0f, 0, -10000]))));

        CollectionAssert.Contains(result.Operators, "Softmax");
        Assert.Contains("the mask 'mask'", result.Refusals);
    }

    [TestMethod]
    public void Probabilities_that_are_read_otherwise_keep_the_formula_and_say_why()
    {
        Simplified result = From([2, 3, Width], (g, x) =>
        {
            Value context = Attention(g, x, x, x, "Div scores");
            return g.Add("Add", context, g.AddNode("ReduceMax", [g.Nodes.Single(node => node.OpType == "Softmax").Output]).Set("keepdims", 0L).Output);
        });

        CollectionAssert.Contains(result.Operators, "Softmax");
        Assert.Contains("is used by another node", result.Refusals);
    }

    [TestMethod]
    [DataRow("capped scores")]
    [DataRow("negated values")]
    public void A_step_more_in_the_formula_keeps_it_and_says_why(string step)
    {
        Simplified result = From([2, 3, Width], (g, x) =>
        {
            Value output = Attention(g, x, x, x, "Div scores");
            Node softmax = g.Nodes.Single(node => node.OpType == "Softmax");
            (Node node, int input, string op) = step == "capped scores" ? (softmax, 0, "Tanh") : (softmax.Output.Uses.Single().Node, 1, "Neg");
            node.SetInput(input, g.Add(op, node.Input(input)));
            return output;
        });

        CollectionAssert.Contains(result.Operators, "Softmax");
        Assert.Contains("not three matrices split into heads", result.Refusals);
    }

    [TestMethod]
    public void A_softmax_over_the_queries_is_another_function() =>
        CollectionAssert.Contains(From([2, 3, Width], (g, x) =>
        {
            Value output = Attention(g, x, x, x, "Div scores");
            g.Nodes.Single(node => node.OpType == "Softmax").Set("axis", -2L);
            return output;
        }).Operators, "Softmax");

    [TestMethod]
    public void A_scale_for_each_head_keeps_the_formula_and_says_why()
    {
        Simplified result = From([2, 3, Width], (g, x) =>
        {
            Value output = Attention(g, x, x, x, "none");
            Node softmax = g.Nodes.Single(node => node.OpType == "Softmax");
            softmax.SetInput(0, g.Add("Mul", softmax.Input(0), Weight(g, Heads, 1, 1)));
            return output;
        });

        CollectionAssert.Contains(result.Operators, "Softmax");
        Assert.Contains("scale is not one constant", result.Refusals);
    }

    [TestMethod]
    public void A_target_without_ONNX_Runtimes_operators_keeps_the_formula_and_says_why()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3, Width));
        model.Graph.AddOutput(Attention(model.Graph, x, x, x, "Div scores"));

        PassOutcome outcome = new GraphSimplification().Apply(model, new PassContext(TargetProfiles.TensorRt));

        Assert.IsTrue(model.Graph.Nodes.Any(node => node.OpType == "Softmax"));
        Assert.Contains("tensorrt does not run", string.Join("\n", outcome.Refusals));
    }

    /// <summary>softmax(s·Q·Kᵀ)·V with the heads split and joined as exporters write it.</summary>
    private static Value Attention(Graph g, Value q, Value k, Value v, string scale, int heads = Heads, int size = Size, Value? mask = null, bool traced = false)
    {
        float s = 1 / MathF.Sqrt(size);
        Value queries = Transpose(g, Split(q), 0, 2, 1, 3);
        Value keys = Transpose(g, Transpose(g, Split(k), 0, 2, 1, 3), 0, 1, 3, 2);
        if (scale.StartsWith("Mul queries", StringComparison.Ordinal))
        {
            queries = g.Add("Mul", queries, Number(g, s));
        }
        else if (scale.StartsWith("Mul both", StringComparison.Ordinal))
        {
            queries = g.Add("Mul", queries, Number(g, MathF.Sqrt(s)));
            keys = g.Add("Mul", Number(g, MathF.Sqrt(s)), keys);
        }

        Value scores = g.Add("MatMul", queries, keys);
        scores = scale.EndsWith("Div scores", StringComparison.Ordinal) ? g.Add("Div", scores, Number(g, 1 / s))
            : scale == "Mul scores" ? g.Add("Mul", scores, Number(g, s))
            : scores;
        scores = mask is null ? scores : g.Add("Add", scores, mask);
        Value context = Transpose(g, g.Add("MatMul", g.AddNode("Softmax", [scores]).Set("axis", 3L).Output, Transpose(g, Split(v), 0, 2, 1, 3)), 0, 2, 1, 3);
        return g.Add("Reshape", context, traced ? Shape(context, heads * size) : Longs(g, 0, 0, heads * size));

        Value Split(Value x) => g.Add("Reshape", x, traced ? Shape(x, heads, size) : Longs(g, 0, 0, heads, size));

        Value Shape(Value x, params long[] rest) =>
            g.AddNode("Concat", [.. Enumerable.Range(0, 2).Select(axis => g.Add("Gather", g.Add("Shape", x), Longs(g, axis))), Longs(g, rest)]).Set("axis", 0L).Output;
    }

    private static Value Project(Graph g, Value x) => g.Add("Add", g.Add("MatMul", x, Weight(g, Width, Width)), Weight(g, Width));

    private static Value Transpose(Graph g, Value x, params long[] order) => g.AddNode("Transpose", [x]).Set("perm", order).Output;

    private static Value Number(Graph g, float value) => g.AddInitializer("number", Tensor.Scalar(value));
}
