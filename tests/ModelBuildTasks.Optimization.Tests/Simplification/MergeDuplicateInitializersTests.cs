using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MergeDuplicateInitializersTests
{
    [TestMethod]
    public void Equal_weights_become_one() => Assert.HasCount(1, Initializers(Tensor.Vector(1f, 2f), Tensor.Vector(1f, 2f)));

    [TestMethod]
    public void Equal_numbers_of_another_shape_stay() => Assert.HasCount(2, Initializers(Tensor.Vector(1f, 2f), Tensor.Create([1, 2], [1f, 2f])));

    [TestMethod]
    public void Zeros_of_either_sign_stay_apart() => Assert.HasCount(2, Initializers(Tensor.Vector(0f, 2f), Tensor.Vector(-0f, 2f)));

    private static Value[] Initializers(Tensor first, Tensor second) =>
        [.. From([3, 2], (g, x) => g.Add("Max", g.Add("Min", x, g.AddInitializer("a", first)), g.Add("Neg", g.Add("Min", g.Add("Exp", x), g.AddInitializer("b", second))))).Model.Graph.Initializers];
}
