using System.Globalization;
using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>What the model should answer, in one form for all formats.</summary>
internal static class Labels
{
    /// <summary>A whole number becomes a class index, Int64 without dimensions; everything else becomes single precision numbers, but integers that these would round, which become Int64.</summary>
    /// <exception cref="DatasetException">The elements are no numbers, or beyond 64 bits.</exception>
    internal static Tensor From(Tensor record, string origin)
    {
        bool isClass = record.Length == 1 && !record.ElementType.IsFloatingPoint();
        bool isWide = record.ElementType is ElementType.Int32 or ElementType.UInt32 or ElementType.Int64 or ElementType.UInt64;
        try
        {
            return isClass ? ElementCast.To(ElementType.Int64, record).WithDimensions() : ElementCast.To(isWide ? ElementType.Int64 : ElementType.Float, record);
        }
        catch (Exception exception) when (exception is OverflowException or NotSupportedException)
        {
            throw DatasetException.DoesNotFit(origin, $"the label {record} is no number that a model can give: {exception.Message}");
        }
    }

    /// <summary>Labels in a file of their own: IDX, <c>.npy</c>, or text with one number or class name a line.</summary>
    /// <exception cref="DatasetException">The file is none of these, or names a class that the description does not list.</exception>
    internal static StoredArray OpenFile(string path, string[]? classes) =>
        IdxFile.HasName(path) ? IdxFile.Open(path)
        : path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase) ? NumpyFile.Open(path)
        : path.EndsWith(".txt", StringComparison.OrdinalIgnoreCase) ? Text(path, classes)
        : throw new DatasetException(DatasetError.UnknownFormat, path, "labels are read from IDX, .npy or .txt files.");

    /// <summary>The class index that a word stands for: itself when it is a whole number, else its place in the description's list.</summary>
    internal static long? ClassOf(string word, string[]? classes)
    {
        int place = classes is null ? -1 : Array.IndexOf(classes, word);
        return place >= 0 ? place : classes is null && long.TryParse(word, out long index) ? index : null;
    }

    /// <summary>Class indices where all lines are whole numbers or names of classes, else numbers.</summary>
    private static StoredArray Text(string path, string[]? classes)
    {
        (int Number, string Word)[] lines = [.. File.ReadLines(path).Select((line, i) => (i + 1, line.Trim())).Where(line => line.Item2.Length > 0)];
        if (Array.ConvertAll(lines, line => ClassOf(line.Word, classes)) is var indices && Array.TrueForAll(indices, index => index is not null))
        {
            return Stored(path, ElementType.Int64, Array.ConvertAll(indices, index => index!.Value));
        }

        return Stored(path, ElementType.Float, Array.ConvertAll(lines, line =>
            classes is null && float.TryParse(line.Word, NumberStyles.Float, CultureInfo.InvariantCulture, out float number)
                ? number
                : throw DatasetException.Corrupt(path, $"line {line.Number}: '{line.Word}' is neither a number nor in \"classes\" of dataset.json.")));
    }

    private static StoredArray Stored<T>(string path, ElementType type, T[] labels) where T : unmanaged
    {
        byte[] bytes = MemoryMarshal.AsBytes<T>(labels).ToArray();
        return new StoredArray(path, path, type, [labels.Length], bigEndian: false, bytes.Length, () => new MemoryStream(bytes, writable: false));
    }
}
