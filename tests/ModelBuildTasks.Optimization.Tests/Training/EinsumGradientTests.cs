using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class EinsumGradientTests
{
    [TestMethod]
    [DataRow("ij,jk->ik")]
    [DataRow("ij,jk")]
    [DataRow("bij,bjk->bik")]
    [DataRow("bhqd,bhkd->bhqk")]
    [DataRow("bqhd, bkhd -> bhqk")]
    [DataRow("i,j->ij")]
    [DataRow("i,i->")]
    [DataRow("ij->ji")]
    [DataRow("ij->i")]
    [DataRow("ijk->")]
    [DataRow("ij,ij->ij")]
    [DataRow("ijk,jl->il")]
    [DataRow("ij,jk,kl->il")]
    public void Matches_differences(string equation)
    {
        string[] terms = equation.Replace(" ", "", StringComparison.Ordinal).Split("->")[0].Split(',');
        long[][] shapes = [.. terms.Select(term => term.Select(letter => 2L + (letter % 3)).ToArray())];
        GradientCheck.Verify((graph, v) => graph.AddNode("Einsum", v).Set("equation", equation).Output, shapes);
    }

    [TestMethod]
    [DataRow("...i->...")]
    [DataRow("ii->i")]
    public void Refuses_ellipses_and_diagonals(string equation) =>
        Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify((graph, v) => graph.AddNode("Einsum", v).Set("equation", equation).Output, [2, 2]));
}
