using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class UnaryGradientTests
{
    [TestMethod]
    [DataRow("Abs")]
    [DataRow("Atan")]
    [DataRow("Celu", "alpha", 0.7f)]
    [DataRow("Cos")]
    [DataRow("Elu")]
    [DataRow("Elu", "alpha", 1.7f)]
    [DataRow("Erf")]
    [DataRow("Exp")]
    [DataRow("Gelu")]
    [DataRow("HardSwish")]
    [DataRow("LeakyRelu")]
    [DataRow("LeakyRelu", "alpha", 0.3f)]
    [DataRow("Mish")]
    [DataRow("Neg")]
    [DataRow("Selu")]
    [DataRow("Sigmoid")]
    [DataRow("Sin")]
    [DataRow("Softplus")]
    [DataRow("Softsign")]
    [DataRow("Swish")]
    [DataRow("Swish", "alpha", 1.7f)]
    [DataRow("Tanh")]
    public void Matches_differences(string opType, string? attribute = null, float value = 0)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            GradientCheck.Verify((graph, v) => Configure(graph.AddNode(opType, v), attribute, value), [GradientCheck.Draw(RandomShapes.Draw(seed), seed)]);
        }
    }

    [TestMethod]
    [DataRow("Log")]
    [DataRow("Reciprocal")]
    [DataRow("Sqrt")]
    public void Matches_differences_at_positive_values(string opType)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            GradientCheck.Verify((graph, v) => graph.Add(opType, v[0]), [RandomShapes.Positive(RandomShapes.Draw(seed), seed)]);
        }
    }

    /// <summary>Their kinks are not at 0, so the values are spread over all pieces and stay away from where these meet.</summary>
    [TestMethod]
    [DataRow("HardSigmoid", null, 0f)]
    [DataRow("HardSigmoid", "alpha", 0.25f)]
    [DataRow("HardSwish", null, 0f)]
    [DataRow("ThresholdedRelu", null, 0f)]
    [DataRow("ThresholdedRelu", "alpha", 0.5f)]
    public void Matches_differences_on_each_piece(string opType, string? attribute, float value) =>
        GradientCheck.Verify(
            (graph, v) => Configure(graph.AddNode(opType, v), attribute, value),
            [Tensor.Vector(-6f, -3.2f, -2.7f, -2.2f, -1.5f, -0.3f, 0.3f, 0.7f, 1.4f, 2.2f, 2.7f, 3.3f, 5f)]);

    [TestMethod]
    public void Matches_differences_of_the_approximate_gelu() =>
        GradientCheck.Verify((graph, v) => graph.AddNode("Gelu", v).Set("approximate", "tanh").Output, [3, 7]);

    private static Value Configure(Node node, string? attribute, float value) =>
        (attribute is null ? node : node.Set(attribute, value)).Output;
}
