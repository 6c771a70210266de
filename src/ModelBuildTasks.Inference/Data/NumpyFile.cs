using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>NumPy's <c>.npy</c> arrays and <c>.npz</c> archives of them (numpy/lib/format.py, versions 1.0 to 3.0).</summary>
internal static partial class NumpyFile
{
    // np.save writes headers of some hundred bytes; NumPy itself refuses more than 10,000 by default.
    private const int LongestHeader = 1 << 16;

    /// <exception cref="DatasetException">The file is no array, of an element type that no tensor has, or declares more than it holds.</exception>
    internal static StoredArray Open(string path)
    {
        using Stream stream = StoredArray.OpenFile(path, out long mostBytes);
        return Read(path, path, stream, mostBytes, () => StoredArray.OpenFile(path, out _));
    }

    /// <summary>The arrays of an archive by name. Entries are read in place; nothing is unpacked to disk.</summary>
    /// <inheritdoc cref="Open"/>
    internal static Dictionary<string, StoredArray> OpenArchive(string path)
    {
        Dictionary<string, StoredArray> arrays = new(StringComparer.Ordinal);
        try
        {
            using ZipArchive archive = ZipFile.OpenRead(path);
            foreach (ZipArchiveEntry entry in archive.Entries.Where(entry => entry.FullName.EndsWith(".npy", StringComparison.Ordinal)))
            {
                string name = entry.FullName;
                using Stream stream = entry.Open();
                arrays[name[..^4]] = Read(path, $"{path}/{name}", stream, StoredArray.MostBytes(entry), () => new EntryStream(path, name));
            }
        }
        catch (InvalidDataException exception)
        {
            throw DatasetException.Corrupt(path, $"not a readable .npz archive: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(DatasetError.NotFound, path, $"cannot be opened: {exception.Message}", exception);
        }

        return arrays;
    }

    private static StoredArray Read(string file, string name, Stream stream, long mostBytes, Func<Stream> reopen)
    {
        Span<byte> start = stackalloc byte[12];
        StoredArray.ReadExactly(stream, start[..10], name);
        if (start[0] != 0x93 || !start[1..6].SequenceEqual("NUMPY"u8) || start[6] is < 1 or > 3)
        {
            throw DatasetException.Corrupt(name, $"not a .npy array of version 1 to 3: it starts with {Convert.ToHexString(start[..8])}.");
        }

        int prefix = start[6] == 1 ? 10 : 12;
        StoredArray.ReadExactly(stream, start[10..prefix], name);
        uint length = start[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (length > LongestHeader)
        {
            throw DatasetException.Corrupt(name, $"the header claims {length} bytes.");
        }

        byte[] bytes = new byte[length];
        StoredArray.ReadExactly(stream, bytes, name);
        string header = Encoding.UTF8.GetString(bytes);
        Match type = TypePattern().Match(header);
        Match shape = ShapePattern().Match(header);
        if (!type.Success || !shape.Success)
        {
            throw DatasetException.Corrupt(name, $"the header states no plain element type and shape: {header.Trim()}");
        }

        long[] dimensions = Dimensions(name, shape.Groups[1].Value);
        if (FortranPattern().IsMatch(header) && dimensions.Count(size => size > 1) > 1)
        {
            throw DatasetException.Corrupt(name, "the array is in Fortran order, whose records are not contiguous; save numpy.ascontiguousarray(array) instead.");
        }

        int offset = prefix + (int)length;
        string code = type.Groups[2].Value;
        bool isText = code[0] is 'U' or 'S';
        if (isText)
        {
            dimensions = [.. dimensions, long.TryParse(code[1..], out long letters) ? letters : throw DatasetException.Corrupt(name, $"the header states the element type '{code}'.")];
        }

        return new StoredArray(file, name, TypeOf(name, isText ? code[..1] : code), dimensions, type.Groups[1].Value == ">", mostBytes - offset, () =>
        {
            Stream data = reopen();
            StoredArray.ReadExactly(data, new byte[offset], name);
            return data;
        }) { IsText = isText };
    }

    private static ElementType TypeOf(string name, string code) => code switch
    {
        "f4" => ElementType.Float,
        "f8" => ElementType.Double,
        "f2" => ElementType.Float16,
        "u1" => ElementType.UInt8,
        "i1" => ElementType.Int8,
        "u2" => ElementType.UInt16,
        "i2" => ElementType.Int16,
        "u4" => ElementType.UInt32,
        "i4" => ElementType.Int32,
        "u8" => ElementType.UInt64,
        "i8" => ElementType.Int64,
        "b1" => ElementType.Bool,
        "U" => ElementType.UInt32,
        "S" => ElementType.UInt8,
        _ => throw DatasetException.Corrupt(name, $"elements of NumPy type '{code}' are no tensor elements; save numbers or booleans."),
    };

    private static long[] Dimensions(string name, string tuple)
    {
        string[] parts = tuple.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        long[] dimensions = new long[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!long.TryParse(parts[i].TrimEnd('L'), out dimensions[i]))
            {
                throw DatasetException.Corrupt(name, $"the header states the shape ({tuple}).");
            }
        }

        return dimensions;
    }

    [GeneratedRegex("""['"]descr['"]\s*:\s*['"]([<>|=]?)([a-zA-Z]\d+)['"]""")]
    private static partial Regex TypePattern();

    [GeneratedRegex("""['"]shape['"]\s*:\s*\(([^)]*)\)""")]
    private static partial Regex ShapePattern();

    [GeneratedRegex("""['"]fortran_order['"]\s*:\s*True""")]
    private static partial Regex FortranPattern();

    /// <summary>One archive entry; closing it closes the archive.</summary>
    private sealed class EntryStream : Stream
    {
        private readonly ZipArchive archive;
        private readonly Stream inner;

        internal EntryStream(string path, string entry)
        {
            archive = ZipFile.OpenRead(path);
            inner = (archive.GetEntry(entry) ?? throw DatasetException.Corrupt(path, $"'{entry}' has vanished.")).Open();
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override int Read(Span<byte> buffer) => inner.Read(buffer);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
                archive.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
