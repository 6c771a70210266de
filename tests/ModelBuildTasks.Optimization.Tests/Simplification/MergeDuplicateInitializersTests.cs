using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
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

    [TestMethod]
    public void Zero_points_of_two_products_stay_apart()
    {
        Model model = Model.Create("g", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.UInt8, 1, 4));
        foreach (sbyte weight in new sbyte[] { 100, 101 })
        {
            Value w = model.Graph.AddInitializer("w", Tensor.Create([4, 4], [.. Enumerable.Repeat(weight, 16)]));
            model.Graph.AddOutput(model.Graph.Add("MatMulInteger", x, w, model.Graph.AddInitializer("zero", Tensor.Scalar((byte)128)), model.Graph.AddInitializer("zeros", Tensor.Vector(new sbyte[4]))));
        }

        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.CpuX64));

        Assert.AreEqual(4, model.Graph.Initializers.Count(value => value.Initializer!.ElementType == ElementType.Int8));
        Assert.AreEqual(1, model.Graph.Initializers.Count(value => value.Initializer!.ElementType == ElementType.UInt8));
    }

    private static Value[] Initializers(Tensor first, Tensor second) =>
        [.. From([3, 2], (g, x) => g.Add("Max", g.Add("Min", x, g.AddInitializer("a", first)), g.Add("Neg", g.Add("Min", g.Add("Exp", x), g.AddInitializer("b", second))))).Model.Graph.Initializers];
}
