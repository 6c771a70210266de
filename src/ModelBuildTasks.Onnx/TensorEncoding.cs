using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.Collections;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// Between <see cref="Tensor"/> and <c>TensorProto</c>. ONNX lets elements stand in <c>raw_data</c>, in a typed field (small
/// types widened to 32 bits), or in an external file; a tensor sees little-endian bytes in each case.
/// </summary>
internal static class TensorEncoding
{
    /// <summary><c>TensorProto.DataLocation.EXTERNAL</c>.</summary>
    internal const int External = 1;

    internal static Tensor Decode(TensorProto proto, ExternalDataReader? external)
    {
        ElementType type = (ElementType)proto.DataType;
        long[] dimensions = [.. proto.Dims];
        long elements = Tensor.CountElements(dimensions);
        if (type.BitsPerElement() == 0)
        {
            if (proto.DataLocation == External)
            {
                throw new ModelFormatException(ModelFormatError.ExternalData, $"Tensor '{proto.Name}' keeps elements of the type {type} in another file, which this version does not know.");
            }

            // Strings, and types newer than this library: carried, not seen into.
            return new Tensor(type, dimensions, default, proto);
        }

        long expected;
        try
        {
            expected = type.ByteLength(elements);
        }
        catch (OverflowException)
        {
            throw Mismatch(proto, dimensions, "a size that overflows");
        }

        if (proto.DataLocation == External)
        {
            ReadOnlyMemory<byte> mapped = external is null
                ? throw new ModelFormatException(ModelFormatError.ExternalData, $"Tensor '{proto.Name}' keeps its data in another file, but there is no model folder to look in.")
                : external.Read(proto, expected);
            return new Tensor(type, dimensions, mapped, proto);
        }

        ReadOnlyMemory<byte> data = proto.HasRawData ? proto.RawData.Memory : Widened(proto, type);
        return data.Length == expected
            ? new Tensor(type, dimensions, data, proto)
            : throw Mismatch(proto, dimensions, $"{data.Length} bytes where the shape needs {expected}");
    }

    /// <summary>The tensor as a message named <paramref name="name"/>; weights are referenced, not copied.</summary>
    internal static TensorProto Encode(Tensor tensor, string name)
    {
        // A message read from a file is written back as it was; external data comes inside, the writer decides where it ends up.
        if (tensor.Source is { } source && source.DataLocation != External)
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

    private static byte[] Bytes<T>(RepeatedField<T> field) where T : unmanaged => MemoryMarshal.AsBytes<T>(field.ToArray()).ToArray();

    private static byte[] Narrow<TWide, TNarrow>(RepeatedField<TWide> field, Func<TWide, TNarrow> convert) where TNarrow : unmanaged
    {
        TNarrow[] result = new TNarrow[field.Count];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = convert(field[i]);
        }

        return MemoryMarshal.AsBytes<TNarrow>(result).ToArray();
    }

    private static ModelFormatException Mismatch(TensorProto proto, long[] dimensions, string found) =>
        ModelFormatException.Invalid($"Tensor '{proto.Name}' of type {(ElementType)proto.DataType}[{string.Join(", ", dimensions)}] has {found}.");
}
