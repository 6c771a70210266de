using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MergeCastsTests
{
    [TestMethod]
    public void A_cast_through_a_wider_type_goes() =>
        AssertLeaves(["Cast", "Cast"], From([4], (g, x) => Cast(g, Cast(g, Cast(g, x, ElementType.Double), ElementType.Int32), ElementType.Float)));

    [TestMethod]
    public void A_cast_there_and_back_goes_altogether() =>
        AssertLeaves(["Neg"], From([4], (g, x) => g.Add("Neg", Cast(g, Cast(g, x, ElementType.Double), ElementType.Float))));

    [TestMethod]
    public void A_truth_value_is_a_number_of_any_type() =>
        AssertLeaves(["Greater", "Cast"], From([4], (g, x) => Cast(g, Cast(g, g.Add("Greater", x, g.AddInitializer("half", Tensor.Scalar(0.5f))), ElementType.Int32), ElementType.Float)));

    [TestMethod]
    [DataRow(ElementType.Float16)]
    [DataRow(ElementType.Int64)]
    [DataRow(ElementType.Bool)]
    public void A_cast_that_rounds_stays_and_says_why(ElementType through)
    {
        Simplified result = From([4], (g, x) => Cast(g, Cast(g, x, through), ElementType.Float));

        AssertLeaves(["Cast", "Cast"], result);
        Assert.Contains("may change numbers", result.Refusals);
    }

    [TestMethod]
    [DataRow(ElementType.UInt8, ElementType.Int8)]
    [DataRow(ElementType.Int8, ElementType.UInt16)]
    [DataRow(ElementType.Int32, ElementType.UInt32)]
    public void Integers_that_do_not_fit_stay(ElementType from, ElementType through) =>
        AssertLeaves(["Cast", "Cast", "Cast"], From([4], (g, x) => Cast(g, Cast(g, Cast(g, x, from), through), ElementType.Float)));

    private static Value Cast(Graph g, Value x, ElementType to) => g.AddNode("Cast", [x]).Set("to", (long)to).Output;
}
