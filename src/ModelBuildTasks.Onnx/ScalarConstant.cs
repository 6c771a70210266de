namespace ModelBuildTasks.Onnx;

/// <summary>Constants of one element, compared with the number that a formula has there.</summary>
internal static class ScalarConstant
{
    /// <summary>Whether <paramref name="tensor"/> has one element, which is <paramref name="number"/> to the accuracy of its type.</summary>
    internal static bool Is(Tensor tensor, double number) =>
        tensor.Length == 1 && Value(tensor) is { } value && Math.Abs(value - number) <= RelativeTolerance(tensor.ElementType) * Math.Abs(number);

    private static double? Value(Tensor tensor) => tensor.ElementType switch
    {
        ElementType.Double => tensor.Span<double>()[0],
        ElementType.Int64 => tensor.Span<long>()[0],
        ElementType.Int32 => tensor.Span<int>()[0],
        ElementType.Float or ElementType.Float16 or ElementType.BFloat16 => tensor.ToSingles()[0],
        _ => null,
    };

    /// <summary>Exporters round √2 and its like, often after arithmetic in the type itself: one unit in the last place, and in single precision some more.</summary>
    private static double RelativeTolerance(ElementType type) => type switch
    {
        ElementType.Float or ElementType.Double => 1e-6,
        ElementType.Float16 => 1.0 / 1024,
        ElementType.BFloat16 => 1.0 / 128,
        _ => 0,
    };
}
