using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class NoGradientTests
{
    [TestMethod]
    [DataRow("Floor")]
    [DataRow("Ceil")]
    [DataRow("Round")]
    [DataRow("Sign")]
    public void Adds_nothing_for_a_staircase(string opType) =>
        GradientCheck.Verify((graph, v) => graph.Add("Mul", v[0], graph.Add(opType, v[0])), [Tensor.Vector(-1.7f, -0.3f, 0.2f, 1.4f)]);

    /// <summary>Exporters divide by the root of a size that they read from the shape.</summary>
    [TestMethod]
    public void Looks_for_none_behind_a_shape() =>
        GradientCheck.Verify(
            (graph, v) =>
            {
                Value size = graph.Add("Gather", graph.Add("Shape", v[0]), graph.AddInitializer("axis", Tensor.Scalar(1L)));
                Value root = graph.Add("Sqrt", graph.AddNode("Cast", [graph.Add("Mod", size, graph.AddInitializer("many", Tensor.Scalar(100L)))]).Set("to", (long)ElementType.Float).Output);
                return graph.Add("Div", v[0], root);
            },
            [2, 3]);

    [TestMethod]
    public void Passes_a_cast_between_types_of_real_numbers_alone()
    {
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("Cast", [graph.AddNode("Cast", v).Set("to", (long)ElementType.Double).Output]).Set("to", (long)ElementType.Float).Output,
            [2, 3]);
        GradientCheck.Verify(
            (graph, v) =>
            {
                Value whole = graph.AddNode("Cast", v).Set("to", (long)ElementType.Int32).Output;
                return graph.Add("Mul", v[0], graph.AddNode("Cast", [whole]).Set("to", (long)ElementType.Float).Output);
            },
            [Tensor.Vector(1.4f, 2.5f, -3.3f)]);
    }

    [TestMethod]
    public void Tells_of_a_parameter_that_only_a_staircase_reads()
    {
        GradientException exception = Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify((graph, v) => graph.Add("Floor", v[0]), [3]));
        StringAssert.Contains(exception.Message, "does not depend", StringComparison.Ordinal);
    }
}
