using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.Collections;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// Between <see cref="Tensor"/> and <c>TensorProto</c>. ONNX lets elements stand in <c>raw_data</c> or in a typed field (small
/// types widened to 32 bits); a tensor sees little-endian bytes in each case.
/// </summary>
internal static class TensorEncoding
{
    /// <summary><c>TensorProto.DataLocation.EXTERNAL</c>.</summary>
    internal const int External = 1;

    /// <summary>
    /// Whether a tensor holds what its type and shape ask for, in one place only. Strings stand in <c>string_data</c>. Types
    /// newer than this library are carried, not seen into.
    /// </summary>
    /// <exception cref="ModelFormatException">It does not.</exception>
    internal static void Check(TensorProto proto)
    {
        if (proto.DataLocation == External)
        {
            throw new ModelFormatException(ModelFormatError.ExternalData, $"{Describe(proto)} keeps its data in another file, but there is no model folder to look in.");
        }

        long expected = ExpectedBytes(proto);
        long stored = StoredElements(proto);
        long own = OwnField(proto);
        ElementType type = (ElementType)proto.DataType;
        if (type != ElementType.String && type.BitsPerElement() == 0)
        {
            return;
        }

        if (stored != own)
        {
            throw Mismatch(proto, "elements in a field for another type");
        }

        if (!proto.RawData.IsEmpty && stored > 0)
        {
            throw Mismatch(proto, "elements both in raw_data and in a typed field");
        }

        if (type == ElementType.String)
        {
            if (!proto.RawData.IsEmpty || stored != expected)
            {
                throw Mismatch(proto, $"{stored} strings where the shape needs {expected}");
            }
        }
        else if (stored > 0 && stored != ExpectedTyped(type, proto, expected))
        {
            throw Mismatch(proto, $"{stored} elements in its typed field where the shape needs {ExpectedTyped(type, proto, expected)}");
        }
        else if (stored == 0 && proto.RawData.Length != expected)
        {
            throw Mismatch(proto, $"{proto.RawData.Length} bytes where the shape needs {expected}");
        }
    }

    /// <summary>The bytes that a tensor with external data takes in its file.</summary>
    /// <exception cref="ModelFormatException">Type and shape have no such size, or the message holds data too.</exception>
    internal static long CheckExternal(TensorProto proto)
    {
        if (((ElementType)proto.DataType).BitsPerElement() == 0)
        {
            throw new ModelFormatException(ModelFormatError.ExternalData, $"{Describe(proto)} keeps elements of the type {(ElementType)proto.DataType} in another file, which ONNX does not allow or this version does not know.");
        }

        return proto.RawData.IsEmpty && StoredElements(proto) == 0
            ? ExpectedBytes(proto)
            : throw Mismatch(proto, "elements both in the model and in another file");
    }

    /// <exception cref="ModelFormatException">The message does not hold what its type and shape ask for.</exception>
    internal static Tensor Decode(TensorProto proto)
    {
        Check(proto);
        ElementType type = (ElementType)proto.DataType;
        ReadOnlyMemory<byte> data = type.BitsPerElement() == 0 ? default : StoredElements(proto) == 0 ? proto.RawData.Memory : Widened(proto, type);
        return new Tensor(type, [.. proto.Dims], data, proto);
    }

    /// <summary>The tensor as a message named <paramref name="name"/>; weights are referenced, not copied.</summary>
    internal static TensorProto Encode(Tensor tensor, string name)
    {
        if (tensor.Source is { } source)
        {
            if (source.Name == name)
            {
                return source;
            }

            // Clone shares the ByteStrings, which are immutable; only the small fields are copied.
            TensorProto renamed = source.Clone();
            renamed.Name = name;
            return renamed;
        }

        TensorProto proto = new() { Name = name, DataType = (int)tensor.ElementType, RawData = UnsafeByteOperations.UnsafeWrap(tensor.Data) };
        proto.Dims.AddRange(tensor.Dimensions);
        return proto;
    }

    /// <summary>Bytes in <c>raw_data</c>; for strings, which have no raw form, the number of elements.</summary>
    private static long ExpectedBytes(TensorProto proto)
    {
        ElementType type = (ElementType)proto.DataType;
        try
        {
            long elements = Tensor.CountElements([.. proto.Dims]);
            return type == ElementType.String ? elements : type.ByteLength(elements);
        }
        catch (OverflowException)
        {
            throw Mismatch(proto, "a size that overflows");
        }
    }

    /// <summary>Entries of the typed field: complex numbers take two, types under 8 bits share one as they share a byte.</summary>
    private static long ExpectedTyped(ElementType type, TensorProto proto, long expectedBytes) => type switch
    {
        ElementType.Complex64 or ElementType.Complex128 => 2 * Tensor.CountElements([.. proto.Dims]),
        _ when type.BitsPerElement() < 8 => expectedBytes,
        _ => Tensor.CountElements([.. proto.Dims]),
    };

    private static long StoredElements(TensorProto proto) =>
        (long)proto.FloatData.Count + proto.Int32Data.Count + proto.StringData.Count + proto.Int64Data.Count + proto.DoubleData.Count + proto.Uint64Data.Count;

    private static int OwnField(TensorProto proto) => (ElementType)proto.DataType switch
    {
        ElementType.Float or ElementType.Complex64 => proto.FloatData.Count,
        ElementType.Double or ElementType.Complex128 => proto.DoubleData.Count,
        ElementType.Int64 => proto.Int64Data.Count,
        ElementType.UInt64 or ElementType.UInt32 => proto.Uint64Data.Count,
        ElementType.String => proto.StringData.Count,
        _ => proto.Int32Data.Count,
    };

    private static ReadOnlyMemory<byte> Widened(TensorProto proto, ElementType type) => type switch
    {
        ElementType.Float or ElementType.Complex64 => Bytes(proto.FloatData),
        ElementType.Double or ElementType.Complex128 => Bytes(proto.DoubleData),
        ElementType.Int64 => Bytes(proto.Int64Data),
        ElementType.UInt64 => Bytes(proto.Uint64Data),
        ElementType.Int32 => Bytes(proto.Int32Data),
        ElementType.UInt32 => Narrow(proto.Uint64Data, static v => (uint)v),
        ElementType.Int16 or ElementType.UInt16 or ElementType.Float16 or ElementType.BFloat16 => Narrow(proto.Int32Data, static v => (ushort)v),
        _ => Narrow(proto.Int32Data, static v => (byte)v),
    };

    private static ReadOnlyMemory<byte> Bytes<T>(RepeatedField<T> field) where T : unmanaged => new ArrayBytes<T>([.. field]).Memory;

    private static ReadOnlyMemory<byte> Narrow<TWide, TNarrow>(RepeatedField<TWide> field, Func<TWide, TNarrow> convert) where TNarrow : unmanaged
    {
        TNarrow[] result = new TNarrow[field.Count];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = convert(field[i]);
        }

        return new ArrayBytes<TNarrow>(result).Memory;
    }

    private static string Describe(TensorProto proto) =>
        $"{(proto.Name.Length == 0 ? "A tensor without a name" : $"Tensor '{proto.Name}'")} of type {(ElementType)proto.DataType}[{string.Join(", ", proto.Dims)}]";

    private static ModelFormatException Mismatch(TensorProto proto, string found) => ModelFormatException.Invalid($"{Describe(proto)} has {found}.");
}
