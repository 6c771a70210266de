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
        CalibratedProducts[] products = Chain(Small, Small, Large, Small, Small, Large, Small, Small, Small, Small);

        CalibratedProducts[][] groups = [.. WeightQuantizer.Groups(products)];

        CollectionAssert.AreEquivalent(products, groups.SelectMany(group => group).ToArray());
        Assert.IsLessThan(products.Length, groups.Length);
        foreach (CalibratedProducts[] group in groups)
        {
            Assert.IsLessThanOrEqualTo(1.5 * Large * Large, group.Sum(layer => (double)layer.Width * layer.Width));
        }
    }

    [TestMethod]
    public void Layers_with_few_inputs_are_one_group() => Assert.HasCount(1, WeightQuantizer.Groups(Chain(64, 64, 128, 64)).ToArray());

    [TestMethod]
    public void Layers_that_read_one_value_share_its_moments()
    {
        Model model = Model.Create("siblings", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "rows", Large));
        PackedProduct[][] products = [[Product(model, x)], [Product(model, x)], [Product(model, x)]];

        CalibratedProducts shared = CalibratedProducts.From(products).Single();

        CollectionAssert.AreEqual(new[] { x }, shared.Inputs.ToArray());
        Assert.HasCount(3, shared.Products);
    }

    [TestMethod]
    public void A_weight_that_stands_in_several_products_has_the_moments_of_all_that_they_read()
    {
        Model model = Model.Create("tied", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "rows", Small));
        Value y = model.Graph.AddInput("y", new TensorType(ElementType.Float, "rows", Small));
        PackedProduct[][] products = [[Product(model, x), Product(model, y)], [Product(model, x)]];

        CalibratedProducts[] shared = CalibratedProducts.From(products);

        Assert.HasCount(2, shared);
        CollectionAssert.AreEqual(new[] { x, y }, shared[0].Inputs.ToArray());
        CollectionAssert.AreEqual(new[] { x }, shared[1].Inputs.ToArray());
    }

    private static CalibratedProducts[] Chain(params int[] inputs)
    {
        Model model = Model.Create("layers", 13, 7);
        return CalibratedProducts.From(inputs.Select((size, i) => new[] { Product(model, model.Graph.AddInput($"x{i}", new TensorType(ElementType.Float, "rows", size))) }));
    }

    private static PackedProduct Product(Model model, Value x)
    {
        Tensor weight = Tensor.Create([x.Type!.Shape![1].Size!.Value, 2], new float[2 * (int)x.Type.Shape[1].Size!.Value]);
        return PackedProduct.From(model.Graph.Add("MatMul", x, model.Graph.AddInitializer("w", weight)).Producer!, out _)!;
    }
}
