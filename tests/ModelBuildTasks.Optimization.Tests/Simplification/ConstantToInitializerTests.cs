using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class ConstantToInitializerTests
{
    [TestMethod]
    public void A_constant_becomes_a_weight_that_its_reader_takes_up()
    {
        Simplified result = From([3], (g, x) => g.Add("Max", x, g.AddNode("Constant", []).Set("value", Tensor.Vector(0.1f, 0.5f, 2f)).Output));

        AssertLeaves(["Max"], result);
        CollectionAssert.AreEqual(new[] { 0.1f, 0.5f, 2f }, result.Model.Graph.Initializers.Single().Initializer!.ToSingles());
    }

    [TestMethod]
    public void A_number_that_is_an_attribute_becomes_a_scalar() =>
        AssertLeaves(["Max"], From([3], (g, x) => g.Add("Max", x, g.AddNode("Constant", []).Set("value_float", 0.5f).Output)));
}
