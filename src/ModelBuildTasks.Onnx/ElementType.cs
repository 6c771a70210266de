namespace ModelBuildTasks.Onnx;

/// <summary>Element types of tensors, with the numbers of <c>TensorProto.DataType</c> in the ONNX specification.</summary>
public enum ElementType
{
    Undefined = 0,
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    BFloat16 = 16,
    Float8E4M3FN = 17,
    Float8E4M3FNUZ = 18,
    Float8E5M2 = 19,
    Float8E5M2FNUZ = 20,
    UInt4 = 21,
    Int4 = 22,
    Float4E2M1 = 23,
    Float8E8M0 = 24,
    UInt2 = 25,
    Int2 = 26,
}

/// <summary>Sizes and CLR counterparts of <see cref="ElementType"/>.</summary>
public static class ElementTypes
{
    /// <summary>Bits that one element takes in <c>raw_data</c>; 0 for strings and unknown types, which have no raw form.</summary>
    public static int BitsPerElement(this ElementType type) => type switch
    {
        ElementType.UInt2 or ElementType.Int2 => 2,
        ElementType.UInt4 or ElementType.Int4 or ElementType.Float4E2M1 => 4,
        ElementType.UInt8 or ElementType.Int8 or ElementType.Bool or ElementType.Float8E4M3FN or ElementType.Float8E4M3FNUZ
            or ElementType.Float8E5M2 or ElementType.Float8E5M2FNUZ or ElementType.Float8E8M0 => 8,
        ElementType.UInt16 or ElementType.Int16 or ElementType.Float16 or ElementType.BFloat16 => 16,
        ElementType.Float or ElementType.Int32 or ElementType.UInt32 => 32,
        ElementType.Double or ElementType.Int64 or ElementType.UInt64 or ElementType.Complex64 => 64,
        ElementType.Complex128 => 128,
        _ => 0,
    };

    /// <summary>Whether it is one of the floating point types in which models take and give numbers.</summary>
    public static bool IsFloatingPoint(this ElementType type) => type is ElementType.Float or ElementType.Double or ElementType.Float16 or ElementType.BFloat16;

    /// <summary>The element type that holds <typeparamref name="T"/>.</summary>
    /// <exception cref="NotSupportedException">No ONNX type has this layout.</exception>
    public static ElementType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? ElementType.Float
        : typeof(T) == typeof(byte) ? ElementType.UInt8
        : typeof(T) == typeof(sbyte) ? ElementType.Int8
        : typeof(T) == typeof(ushort) ? ElementType.UInt16
        : typeof(T) == typeof(short) ? ElementType.Int16
        : typeof(T) == typeof(int) ? ElementType.Int32
        : typeof(T) == typeof(long) ? ElementType.Int64
        : typeof(T) == typeof(bool) ? ElementType.Bool
        : typeof(T) == typeof(Half) ? ElementType.Float16
        : typeof(T) == typeof(double) ? ElementType.Double
        : typeof(T) == typeof(uint) ? ElementType.UInt32
        : typeof(T) == typeof(ulong) ? ElementType.UInt64
        : throw new NotSupportedException($"No ONNX element type corresponds to {typeof(T).Name}.");

    /// <summary>Bytes that <paramref name="elements"/> elements take, packed types rounded up to whole bytes.</summary>
    /// <exception cref="OverflowException">The size does not fit 64 bits.</exception>
    public static long ByteLength(this ElementType type, long elements) =>
        checked((elements * type.BitsPerElement() + 7) / 8);
}
