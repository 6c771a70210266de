using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

[TestClass]
public sealed class SizeArithmeticTests
{
    private readonly Model model = Model.Create("g", opset: 13, irVersion: 7);
    private readonly Value image;

    public SizeArithmeticTests() => image = model.Graph.AddInput("image", new TensorType(ElementType.Float, "N", "length"));

    [TestMethod]
    public void What_is_computed_from_a_shape_is_found_with_constants_that_are_not_folded()
    {
        Value number = model.Graph.Add("Add", Constant(1), Constant(2));
        Value size = Cast(model.Graph.Add("Shape", image), ElementType.Float);
        Value place = model.Graph.Add("Mul", size, number);

        CollectionAssert.AreEquivalent(new[] { size, place }, Found(place));
    }

    [TestMethod]
    public void What_an_input_holds_is_not_found()
    {
        Value size = Cast(model.Graph.Add("Shape", image), ElementType.Float);
        Value mixed = model.Graph.Add("Mul", size, image);

        CollectionAssert.AreEquivalent(new[] { size }, Found(mixed));
    }

    [TestMethod]
    public void A_tensor_of_zeros_in_a_size_holds_no_size() =>
        Assert.IsEmpty(Found(model.Graph.Add("ConstantOfShape", model.Graph.Add("Shape", image))));

    [TestMethod]
    public void A_mask_that_is_made_by_comparing_places_holds_none()
    {
        Value length = model.Graph.Add("Squeeze", model.Graph.Add("Gather", model.Graph.Add("Shape", image), Whole(1)));
        Value before = model.Graph.Add("Less", model.Graph.Add("Range", Whole(0), length, Whole(1)), Whole(5));

        Assert.IsEmpty(Found(Cast(before, ElementType.Float)));
    }

    private Value[] Found(Value output)
    {
        model.Graph.AddOutput(output);
        return [.. SizeArithmetic.Of(model, new RuleContext(ShapeInference.Infer(model.Graph), TargetProfiles.Cuda))];
    }

    private Value Cast(Value value, ElementType type) => model.Graph.AddNode("Cast", [value]).Set("to", (long)type).Output;

    private Value Constant(float number) => model.Graph.AddInitializer("number", Tensor.Scalar(number));

    private Value Whole(long number) => model.Graph.AddInitializer("whole", Tensor.Scalar(number));
}
