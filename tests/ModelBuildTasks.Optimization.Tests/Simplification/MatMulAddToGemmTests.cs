using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MatMulAddToGemmTests
{
    [TestMethod]
    public void A_matrix_product_with_a_bias_row_becomes_a_gemm_with_a_bias_vector()
    {
        Simplified result = Simplified.From(["n", 4], (g, x) => g.Add("Add", g.Add("MatMul", x, Simplified.Weight(g, 4, 5)), Simplified.Weight(g, 1, 5)));

        AssertLeaves(["Gemm"], result);
        Assert.AreEqual(1, result.Model.Graph.Nodes[0].Input(2)!.Initializer!.Dimensions.Count);
    }

    [TestMethod]
    public void A_product_of_more_dimensions_keeps_its_add() =>
        AssertLeaves(["MatMul", "Add"], Simplified.From([2, 3, 4], (g, x) => g.Add("Add", g.Add("MatMul", x, Simplified.Weight(g, 4, 5)), Simplified.Weight(g, 5))));

    private static void AssertLeaves(string[] operators, Simplified result) => CollectionAssert.AreEqual(operators, result.Operators);
}
