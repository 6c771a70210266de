namespace ModelBuildTasks.Onnx;

/// <summary>One dimension of a shape: a size, a named symbol, or neither when nothing is known.</summary>
public readonly record struct Dimension(long? Size, string? Symbol)
{
    /// <summary>A dimension of which nothing is known.</summary>
    public static Dimension Unknown { get; }

    public static implicit operator Dimension(long size) => new(size, null);

    public static implicit operator Dimension(string symbol) => new(null, symbol);

    public static Dimension FromInt64(long size) => size;

    public static Dimension FromString(string symbol) => symbol;

    public override string ToString() => Size?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? Symbol ?? "?";
}

/// <summary>Element type and shape of a tensor value.</summary>
/// <param name="ElementType">The element type.</param>
/// <param name="Shape">One entry a dimension; null when not even the rank is known.</param>
public sealed record TensorType(ElementType ElementType, IReadOnlyList<Dimension>? Shape)
{
    public TensorType(ElementType elementType, params Dimension[] shape) : this(elementType, (IReadOnlyList<Dimension>)shape)
    {
    }

    public override string ToString() => $"{ElementType}[{(Shape is null ? "…" : string.Join(", ", Shape))}]";
}
