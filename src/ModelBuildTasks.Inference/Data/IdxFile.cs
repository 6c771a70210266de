using System.Buffers.Binary;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>
/// IDX files, plain or gzipped: two zero bytes, a type, the number of dimensions, big-endian sizes, big-endian elements
/// (Y. LeCun, "The MNIST database", file formats).
/// </summary>
internal static class IdxFile
{
    /// <summary>Whether the name is one that IDX files go by.</summary>
    internal static bool HasName(string path)
    {
        string name = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;
        return name.EndsWith("ubyte", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".idx", StringComparison.OrdinalIgnoreCase);
    }

    /// <exception cref="DatasetException">The file is no IDX file, or declares more than it holds.</exception>
    internal static StoredArray Open(string path)
    {
        using Stream stream = StoredArray.OpenFile(path, out long mostBytes);
        Span<byte> start = stackalloc byte[4];
        StoredArray.ReadExactly(stream, start, path);
        ElementType type = start[2] switch
        {
            0x08 => ElementType.UInt8,
            0x09 => ElementType.Int8,
            0x0B => ElementType.Int16,
            0x0C => ElementType.Int32,
            0x0D => ElementType.Float,
            0x0E => ElementType.Double,
            _ => ElementType.Undefined,
        };
        if (start[0] != 0 || start[1] != 0 || type == ElementType.Undefined || start[3] == 0)
        {
            throw DatasetException.Corrupt(path, $"not an IDX file: it starts with {Convert.ToHexString(start)} where 00 00, a type (08, 09, 0B–0E) and a number of dimensions belong.");
        }

        byte[] sizes = new byte[4 * start[3]];
        StoredArray.ReadExactly(stream, sizes, path);
        long[] dimensions = [.. Enumerable.Range(0, start[3]).Select(i => (long)BinaryPrimitives.ReadUInt32BigEndian(sizes.AsSpan(4 * i)))];
        int header = 4 + sizes.Length;
        return new StoredArray(path, path, type, dimensions, bigEndian: true, mostBytes - header, () =>
        {
            Stream data = StoredArray.OpenFile(path, out _);
            StoredArray.ReadExactly(data, new byte[header], path);
            return data;
        });
    }

    /// <summary>The label file that lies beside a data file by the usual names: images/labels, features/labels, x/y, idx3/idx1.</summary>
    internal static string? LabelsBeside(string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        string name = Path.GetFileName(path);
        string plain = name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name;
        IEnumerable<string> names =
        [
            plain.Replace("images", "labels", StringComparison.Ordinal),
            plain.Replace("images-idx3", "labels-idx1", StringComparison.Ordinal),
            plain.Replace("images-idx4", "labels-idx1", StringComparison.Ordinal),
            plain.Replace("features", "labels", StringComparison.Ordinal),
            plain.Replace("_x.", "_y.", StringComparison.Ordinal),
        ];
        return names.Where(candidate => candidate != plain)
            .SelectMany(candidate => new[] { candidate, candidate + ".gz" })
            .Select(candidate => Path.Combine(folder, candidate))
            .FirstOrDefault(File.Exists);
    }
}
