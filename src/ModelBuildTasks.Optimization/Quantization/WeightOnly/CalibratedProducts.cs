using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>Products whose codes are found from the same second moments: those that read one value, or one weight that stands in several products.</summary>
/// <param name="Inputs">What they read; the rows of all of them are counted.</param>
/// <param name="Products">One for each weight.</param>
internal sealed record CalibratedProducts(IReadOnlyList<Value> Inputs, IReadOnlyList<PackedProduct> Products)
{
    /// <summary>Length of the last axis of what they read.</summary>
    internal int Width => Products[0].Weight.Inputs;

    /// <param name="sharing">For each weight, the products that read it and whose input can be observed.</param>
    internal static CalibratedProducts[] From(IEnumerable<IEnumerable<PackedProduct>> sharing) =>
    [
        .. sharing.Select(products => products.ToArray())
            .Where(products => products.Length > 0)
            .Select(products => (Product: products[0], Inputs: products.Select(product => product.Input).Distinct().ToArray()))
            .GroupBy(weight => (weight.Inputs[0], Tied: weight.Inputs.Length > 1 ? weight.Product : null))
            .Select(weights => new CalibratedProducts(weights.First().Inputs, [.. weights.Select(weight => weight.Product)])),
    ];
}
