using System.IO.Compression;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>An array on disk whose first axis counts records; the records are read forward, one at a time.</summary>
internal sealed class StoredArray
{
    // A deflated byte expands to at most 1032 bytes (zlib, "Technical details": 258 bytes for two bits).
    private const long DeflateLimit = 1032;
    private const int StreamBuffer = 1 << 16;
    private readonly Func<Stream> open;
    private readonly bool bigEndian;
    private readonly long[] recordDimensions;

    /// <param name="file">The file.</param>
    /// <param name="name">The file, and the entry inside it, for messages.</param>
    /// <param name="elementType">Type of the stored elements.</param>
    /// <param name="dimensions">Stored dimensions, records first.</param>
    /// <param name="bigEndian">Byte order of the file.</param>
    /// <param name="available">Bytes that the data can have at most, whatever the header says.</param>
    /// <param name="open">Opens the data at its first element.</param>
    /// <exception cref="DatasetException">The header declares more than the file holds, or no records.</exception>
    internal StoredArray(string file, string name, ElementType elementType, long[] dimensions, bool bigEndian, long available, Func<Stream> open)
    {
        File = file;
        Name = name;
        ElementType = elementType;
        this.open = open;
        this.bigEndian = bigEndian;
        if (dimensions.Length == 0)
        {
            throw DatasetException.Corrupt(name, "the array is a single number; an array of records was expected.");
        }

        recordDimensions = dimensions[1..];
        Int128 bytes = elementType.BitsPerElement() / 8;
        Int128 record = bytes;
        foreach (long dimension in dimensions)
        {
            // Factors are below 2^63 and checked one by one against 'available', so the product cannot overflow 128 bits.
            bytes *= dimension >= 0 ? dimension : throw DatasetException.Corrupt(name, $"the header declares the dimension {dimension}.");
            if (bytes > available)
            {
                throw DatasetException.Corrupt(name, $"the header declares {elementType}[{string.Join(", ", dimensions)}], but the file holds at most {available} bytes of data.");
            }
        }

        foreach (long dimension in recordDimensions)
        {
            record *= dimension;
        }

        if (dimensions[0] > int.MaxValue || record > Array.MaxLength)
        {
            throw DatasetException.Corrupt(name, $"{elementType}[{string.Join(", ", dimensions)}] has records or a record count beyond 2 GiB.");
        }

        Count = (int)dimensions[0];
        RecordBytes = (int)record;
    }

    internal string File { get; }

    internal string Name { get; }

    internal ElementType ElementType { get; }

    internal int Count { get; }

    internal int RecordBytes { get; }

    /// <summary>Whether a record is a text, padded with zeros: UTF-8 as UInt8, or code points as UInt32.</summary>
    internal bool IsText { get; init; }

    internal Reader Open() => new(this);

    /// <summary>Opens a file that may be gzipped, with the most data it can hold.</summary>
    internal static Stream OpenFile(string path, out long mostBytes)
    {
        FileStream? file = null;
        try
        {
            file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, StreamBuffer, FileOptions.SequentialScan);
            bool zipped = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
            file.Position = 0;
            mostBytes = zipped ? file.Length * DeflateLimit : file.Length;
            return zipped ? new GZipStream(file, CompressionMode.Decompress) : file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new DatasetException(DatasetError.NotFound, path, $"cannot be opened: {exception.Message}", exception);
        }
    }

    /// <summary>The most bytes that a zip entry can hold, whatever its directory says.</summary>
    internal static long MostBytes(ZipArchiveEntry entry) => Math.Min(entry.Length, entry.CompressedLength * DeflateLimit);

    /// <summary>Fills <paramref name="buffer"/> from a possibly compressed stream.</summary>
    /// <exception cref="DatasetException">The stream ends or breaks before.</exception>
    internal static void ReadExactly(Stream stream, Span<byte> buffer, string name)
    {
        try
        {
            stream.ReadExactly(buffer);
        }
        catch (Exception exception) when (exception is EndOfStreamException or InvalidDataException)
        {
            throw DatasetException.Corrupt(name, $"the file ends early or its compression is damaged: {exception.Message}", exception);
        }
    }

    /// <summary>Reads records in ascending order.</summary>
    internal sealed class Reader : IDisposable
    {
        private readonly StoredArray array;
        private readonly Stream stream;
        private int next;

        internal Reader(StoredArray array)
        {
            this.array = array;
            stream = array.open();
        }

        /// <summary>Record <paramref name="index"/>, which must not lie before the last one read.</summary>
        internal Tensor Read(int index)
        {
            Skip((long)(index - next) * array.RecordBytes);
            next = index + 1;
            byte[] bytes = GC.AllocateUninitializedArray<byte>(array.RecordBytes);
            ReadExactly(stream, bytes, array.Name);
            int size = array.ElementType.BitsPerElement() / 8;
            if (array.bigEndian && size > 1)
            {
                for (int i = 0; i < bytes.Length; i += size)
                {
                    bytes.AsSpan(i, size).Reverse();
                }
            }

            return Tensor.FromBytes(array.ElementType, array.recordDimensions, bytes);
        }

        public void Dispose() => stream.Dispose();

        private void Skip(long bytes)
        {
            if (stream.CanSeek)
            {
                stream.Seek(bytes, SeekOrigin.Current);
                return;
            }

            Span<byte> discarded = stackalloc byte[4096];
            for (; bytes > 0; bytes -= discarded.Length)
            {
                ReadExactly(stream, discarded[..(int)Math.Min(bytes, discarded.Length)], array.Name);
            }
        }
    }
}
