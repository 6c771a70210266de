using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class WeightQuantizerTests
{
    private const int Large = 4096;
    private const int Small = 2048;

    [TestMethod]
    public void Moments_held_at_once_take_at_most_half_more_than_those_of_the_largest_layer()
    {
        PackedProduct[] products = Chain(Small, Small, Large, Small, Small, Large, Small, Small, Small, Small);

        PackedProduct[][] groups = [.. WeightQuantizer.Groups(products)];

        CollectionAssert.AreEqual(products, groups.SelectMany(group => group).ToArray());
        Assert.IsLessThan(products.Length, groups.Length);
        foreach (PackedProduct[] group in groups)
        {
            Assert.IsLessThanOrEqualTo(1.5 * Large * Large, group.Sum(product => (double)product.Weight.Inputs * product.Weight.Inputs));
        }
    }

    [TestMethod]
    public void Layers_with_few_inputs_are_one_group() => Assert.HasCount(1, WeightQuantizer.Groups(Chain(64, 64, 128, 64)).ToArray());

    [TestMethod]
    public void Layers_that_read_one_value_are_in_one_group()
    {
        Model model = Model.Create("siblings", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "rows", Large));
        PackedProduct[] products = [.. Enumerable.Range(0, 3).Select(_ => Product(model, x))];

        Assert.HasCount(1, WeightQuantizer.Groups(products).ToArray());
    }

    private static PackedProduct[] Chain(params int[] inputs)
    {
        Model model = Model.Create("layers", 13, 7);
        return [.. inputs.Select((size, i) => Product(model, model.Graph.AddInput($"x{i}", new TensorType(ElementType.Float, "rows", size))))];
    }

    private static PackedProduct Product(Model model, Value x)
    {
        Tensor weight = Tensor.Create([x.Type!.Shape![1].Size!.Value, 2], new float[2 * (int)x.Type.Shape[1].Size!.Value]);
        return PackedProduct.From(model.Graph.Add("MatMul", x, model.Graph.AddInitializer("w", weight)).Producer!, out _)!;
    }
}
