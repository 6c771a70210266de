using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class SplitOfConcatTests
{
    [TestMethod]
    [DataRow(17L)]
    [DataRow(9L)]
    public void Parts_that_are_taken_apart_as_they_were_joined_need_neither(long opset) =>
        AssertLeaves(["Neg", "Sin", "Mul"], From(["n", 3], (g, x) => Product(g, Split(g, Join(g, 1, g.Add("Neg", x), g.Add("Sin", x)), -1, opset, 3, 3)), opset));

    [TestMethod]
    public void Equal_pieces_need_no_stated_lengths() =>
        AssertLeaves(["Neg", "Sin", "Mul"], From([2, 3], (g, x) => Product(g, g.AddNode("Split", [Join(g, 1, g.Add("Neg", x), g.Add("Sin", x))], 2).Set("axis", 1L))));

    [TestMethod]
    public void A_concat_that_is_read_otherwise_stays_for_that() =>
        AssertLeaves(["Neg", "Sin", "Mul", "Concat", "ReduceSum", "Mul"], From([2, 3], (g, x) =>
        {
            Value joined = Join(g, 1, g.Add("Neg", x), g.Add("Sin", x));
            return g.Add("Mul", Product(g, Split(g, joined, 1, 17, 3, 3)), g.Add("ReduceSum", joined));
        }), anyOrder: true);

    [TestMethod]
    public void Other_lengths_keep_both() =>
        AssertLeaves(["Slice", "Concat", "Split", "Concat"], From([2, 3], (g, x) =>
            Join(g, 1, [.. Split(g, Join(g, 1, g.Add("Slice", x, Longs(g, 0), Longs(g, 2), Longs(g, 1)), x), 1, 17, 3, 2).Outputs.Reverse()])));

    [TestMethod]
    public void Another_axis_keeps_both() =>
        AssertLeaves(["Neg", "Concat", "Split", "Mul"], From([2, 2], (g, x) => Product(g, Split(g, Join(g, 0, g.Add("Neg", x), x), 1, 17, 1, 1))));

    [TestMethod]
    public void Parts_of_unknown_length_keep_both() =>
        CollectionAssert.Contains(From(["n", "m"], (g, x) => Product(g, g.AddNode("Split", [Join(g, 1, g.Add("Neg", x), g.Add("Sin", x))], 2).Set("axis", 1L))).Operators, "Split");

    [TestMethod]
    public void A_piece_that_the_model_gives_out_keeps_its_name() =>
        AssertLeaves(["Sin"], From([2, 3], (g, x) => Split(g, Join(g, 1, g.Add("Neg", x), g.Add("Sin", x)), 1, 17, 3, 3).Outputs[1]));

    [TestMethod]
    public void One_part_that_would_stand_for_two_outputs_keeps_both_names()
    {
        Model model = Model.Create("g", 17, 8);
        Graph graph = model.Graph;
        Value part = graph.Add("Relu", graph.AddInput("x", new TensorType(ElementType.Float, 2, 3)));
        Node split = Split(graph, Join(graph, 1, part, part), 1, 17, 3, 3);
        graph.AddOutput(split.Outputs[0]);
        graph.AddOutput(split.Outputs[1]);

        AssertLeaves(["Relu", "Concat", "Split"], Of(model, Random(2, 3)));
    }

    private static Value Join(Graph g, long axis, params Value[] parts) => g.AddNode("Concat", parts).Set("axis", axis).Output;

    private static Value Product(Graph g, Node split) => g.Add("Mul", split.Outputs[0], split.Outputs[1]);

    private static Node Split(Graph g, Value x, long axis, long opset, params long[] lengths)
    {
        Node split = g.AddNode("Split", opset >= 13 ? [x, Longs(g, lengths)] : [x], lengths.Length).Set("axis", axis);
        return opset >= 13 ? split : split.Set("split", lengths);
    }

    private static void AssertLeaves(string[] operators, Simplified result, bool anyOrder = false)
    {
        if (anyOrder)
        {
            CollectionAssert.AreEquivalent(operators, result.Operators, string.Join(", ", result.Operators));
        }
        else
        {
            CollectionAssert.AreEqual(operators, result.Operators, string.Join(", ", result.Operators));
        }
    }
}
