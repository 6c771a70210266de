using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// An immutable view on a dense tensor: element type, dimensions, and little-endian bytes in row-major order, packed as
/// <c>raw_data</c> is (two 4-bit elements a byte, low nibble first). The bytes may be owned, borrowed or memory-mapped.
/// </summary>
public sealed class Tensor
{
    private readonly long[] dimensions;

    internal Tensor(ElementType elementType, long[] dimensions, ReadOnlyMemory<byte> data, TensorProto? source = null)
    {
        this.dimensions = dimensions;
        ElementType = elementType;
        Length = CountElements(dimensions);
        Data = data;
        Source = source;
    }

    /// <summary>The element type.</summary>
    public ElementType ElementType { get; }

    /// <summary>Sizes of the dimensions; empty for a scalar.</summary>
    public IReadOnlyList<long> Dimensions => dimensions;

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>The elements' bytes; empty for string tensors.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>The message this tensor was read from, written back as it was while the tensor stays unedited.</summary>
    internal TensorProto? Source { get; }

    /// <summary>Bytes that this tensor takes in a file as a weight of that name.</summary>
    public int StoredBytesAs(string name) => TensorEncoding.Encode(this, name).CalculateSize();

    /// <summary>Makes a tensor that takes <paramref name="data"/> over without copying.</summary>
    /// <exception cref="ArgumentException">The dimensions do not hold that many elements.</exception>
    public static Tensor Create<T>(ReadOnlySpan<long> dimensions, T[] data) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(data);
        long expected = CountElements(dimensions);
        return expected == data.Length
            ? new Tensor(ElementTypes.Of<T>(), dimensions.ToArray(), new ArrayBytes<T>(data).Memory)
            : throw new ArgumentException($"Dimensions [{string.Join(", ", dimensions.ToArray())}] hold {expected} elements, not {data.Length}.", nameof(data));
    }

    /// <summary>Makes a one-dimensional tensor that takes <paramref name="data"/> over.</summary>
    public static Tensor Vector<T>(params T[] data) where T : unmanaged => Create([data.Length], data);

    /// <summary>Makes a tensor without dimensions.</summary>
    public static Tensor Scalar<T>(T value) where T : unmanaged => Create<T>([], [value]);

    /// <summary>Makes a tensor of bfloat16, for which there is no CLR type: the upper half of a float32, rounded to nearest, ties to even.</summary>
    /// <exception cref="ArgumentException">The dimensions do not hold that many elements.</exception>
    public static Tensor CreateBFloat16(ReadOnlySpan<long> dimensions, ReadOnlySpan<float> numbers)
    {
        byte[] data = new byte[numbers.Length * sizeof(ushort)];
        Span<ushort> rounded = MemoryMarshal.Cast<byte, ushort>(data.AsSpan());
        for (int i = 0; i < numbers.Length; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(numbers[i]);
            // The bits that are left of what is not a number could be those of infinity.
            rounded[i] = (ushort)(float.IsNaN(numbers[i]) ? (bits >> 16) | 0x40 : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }

        return FromBytes(ElementType.BFloat16, dimensions, data);
    }

    /// <summary>Makes a tensor over raw bytes (little-endian, packed as <c>raw_data</c>).</summary>
    /// <exception cref="ArgumentException">The byte count is not what type and dimensions need.</exception>
    public static Tensor FromBytes(ElementType elementType, ReadOnlySpan<long> dimensions, ReadOnlyMemory<byte> data)
    {
        long expected = elementType.ByteLength(CountElements(dimensions));
        return elementType.BitsPerElement() != 0 && expected == data.Length
            ? new Tensor(elementType, dimensions.ToArray(), data)
            : throw new ArgumentException($"{elementType}[{string.Join(", ", dimensions.ToArray())}] needs {expected} bytes, not {data.Length}.", nameof(data));
    }

    /// <summary>Reads one serialized <c>TensorProto</c>, as in the <c>.pb</c> files of ONNX test data sets.</summary>
    /// <exception cref="ModelFormatException">The bytes are not a whole tensor.</exception>
    public static Tensor Parse(ReadOnlySpan<byte> message)
    {
        try
        {
            return TensorEncoding.Decode(TensorProto.Parser.ParseFrom(message));
        }
        catch (Google.Protobuf.InvalidProtocolBufferException exception)
        {
            throw new ModelFormatException(ModelFormatError.Truncated, $"Not a whole TensorProto: {exception.Message}", exception);
        }
    }

    /// <summary>The same elements under other dimensions.</summary>
    /// <exception cref="ArgumentException">The element counts differ.</exception>
    public Tensor WithDimensions(params ReadOnlySpan<long> newDimensions) =>
        CountElements(newDimensions) == Length
            ? new Tensor(ElementType, newDimensions.ToArray(), Data)
            : throw new ArgumentException($"[{string.Join(", ", dimensions)}] cannot be seen as [{string.Join(", ", newDimensions.ToArray())}].", nameof(newDimensions));

    /// <summary>Tensors behind one another along their first axis.</summary>
    /// <param name="parts">At least one; of one element type of whole bytes, and of the same sizes along all other axes.</param>
    public static Tensor Concatenate(params IReadOnlyList<Tensor> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        byte[] bytes = new byte[parts.Sum(part => part.Data.Length)];
        int at = 0;
        foreach (Tensor part in parts)
        {
            part.Data.Span.CopyTo(bytes.AsSpan(at));
            at += part.Data.Length;
        }

        return FromBytes(parts[0].ElementType, [parts.Sum(part => part.dimensions[0]), .. parts[0].dimensions.Skip(1)], bytes);
    }

    /// <summary>The elements in place.</summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="T"/> is not the element type's layout.</exception>
    public ReadOnlySpan<T> Span<T>() where T : unmanaged =>
        ElementTypes.Of<T>() == ElementType
            ? MemoryMarshal.Cast<byte, T>(Data.Span)
            : throw new InvalidOperationException($"The tensor holds {ElementType}, not {typeof(T).Name}.");

    /// <summary>All elements as single precision numbers.</summary>
    /// <exception cref="NotSupportedException">The type has no plain numeric meaning here (strings, complex, packed and 8-bit floats).</exception>
    public float[] ToSingles() => ElementType switch
    {
        ElementType.Float => Span<float>().ToArray(),
        ElementType.Float16 => Convert<Half>(),
        ElementType.Double => Convert<double>(),
        ElementType.Int8 => Convert<sbyte>(),
        ElementType.UInt8 => Convert<byte>(),
        ElementType.Int16 => Convert<short>(),
        ElementType.UInt16 => Convert<ushort>(),
        ElementType.Int32 => Convert<int>(),
        ElementType.UInt32 => Convert<uint>(),
        ElementType.Int64 => Convert<long>(),
        ElementType.UInt64 => Convert<ulong>(),
        ElementType.Bool => Array.ConvertAll(Data.ToArray(), b => b == 0 ? 0f : 1f),
        ElementType.BFloat16 => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(Data.Span).ToArray(), bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)),
        _ => throw new NotSupportedException($"{ElementType} elements have no single precision form here."),
    };

    /// <summary>The same in place where the elements are single precision numbers, else a copy.</summary>
    /// <inheritdoc cref="ToSingles"/>
    public ReadOnlySpan<float> AsSingles() => ElementType == ElementType.Float ? Span<float>() : ToSingles();

    public override string ToString() => $"{ElementType}[{string.Join(", ", dimensions)}]";

    /// <summary>The product of the dimensions.</summary>
    /// <exception cref="ModelFormatException">A dimension is negative, or the product overflows.</exception>
    internal static long CountElements(ReadOnlySpan<long> dimensions)
    {
        long count = 1;
        foreach (long dimension in dimensions)
        {
            if (dimension < 0)
            {
                throw ModelFormatException.Invalid($"A tensor has the negative dimension {dimension}.");
            }

            try
            {
                count = checked(count * dimension);
            }
            catch (OverflowException)
            {
                throw ModelFormatException.Invalid($"The tensor dimensions [{string.Join(", ", dimensions.ToArray())}] overflow.");
            }
        }

        return count;
    }

    private float[] Convert<T>() where T : unmanaged, INumberBase<T>
    {
        ReadOnlySpan<T> source = Span<T>();
        float[] result = new float[source.Length];
        for (int i = 0; i < source.Length; i++)
        {
            result[i] = float.CreateTruncating(source[i]);
        }

        return result;
    }
}
