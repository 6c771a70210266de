using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>What the model should answer, in one form for all formats.</summary>
internal static class Labels
{
    /// <summary>A whole number becomes a class index, Int64 without dimensions; everything else becomes single precision numbers.</summary>
    internal static Tensor From(Tensor record)
    {
        bool isClass = record.Length == 1 && record.ElementType is not (ElementType.Float or ElementType.Double or ElementType.Float16);
        return isClass ? ElementCast.To(ElementType.Int64, record).WithDimensions() : ElementCast.To(ElementType.Float, record);
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

    private static StoredArray Text(string path, string[]? classes)
    {
        List<long> labels = [];
        foreach (string line in File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0))
        {
            labels.Add(ClassOf(line, classes)
                ?? throw DatasetException.Corrupt(path, $"line {labels.Count + 1}: '{line}' is neither a class number nor in \"classes\" of dataset.json."));
        }

        byte[] bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes<long>(labels.ToArray()).ToArray();
        return new StoredArray(path, path, ElementType.Int64, [labels.Count], bigEndian: false, bytes.Length, () => new MemoryStream(bytes, writable: false));
    }
}
