using System.Text;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>The part of the data that a sample belongs to, such as a camera or a language: a short text or a whole number.</summary>
internal static class SliceNames
{
    // Enough for a name; a column of whole documents is not what divides data into parts.
    private const int Longest = 100;

    /// <summary>The name in a table, in a list or in JSON; null when it is empty.</summary>
    /// <exception cref="DatasetException">It is longer than 100 characters.</exception>
    internal static string? Of(string text, string origin)
    {
        string name = text.Trim();
        return name.Length == 0 ? null
            : name.Length <= Longest ? name
            : throw DatasetException.Corrupt(origin, $"the slice '{name[..Longest]}…' has {name.Length} characters; the name of a slice has at most {Longest}.");
    }

    /// <summary>The name in one record of an array of texts or whole numbers.</summary>
    internal static string? Of(StoredArray array, Tensor record)
    {
        if (!array.IsText)
        {
            return record.Length == 1 && !record.ElementType.IsFloatingPoint()
                ? $"{ElementCast.To(ElementType.Int64, record).Span<long>()[0]}"
                : throw DatasetException.DoesNotFit(array.Name, $"slices are a text or a whole number a sample, found {record}.");
        }

        if (record.ElementType == ElementType.UInt8)
        {
            return Of(Encoding.UTF8.GetString(record.Data.Span).TrimEnd('\0'), array.Name);
        }

        StringBuilder text = new();
        foreach (uint letter in record.Span<uint>())
        {
            text.Append(letter == 0 ? "" : (Rune.IsValid(letter) ? new Rune(letter) : Rune.ReplacementChar).ToString());
        }

        return Of(text.ToString(), array.Name);
    }

    /// <summary>Slices in a file of their own: IDX, <c>.npy</c>, or text with one name a line.</summary>
    /// <exception cref="DatasetException">The file is none of these.</exception>
    internal static StoredArray OpenFile(string path) =>
        path.EndsWith(".txt", StringComparison.OrdinalIgnoreCase) ? Text(path) : Labels.OpenFile(path, null);

    private static StoredArray Text(string path)
    {
        byte[][] names;
        try
        {
            names = [.. File.ReadLines(path).Select(line => Encoding.UTF8.GetBytes(Of(line, path) ?? ""))];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(DatasetError.NotFound, path, $"cannot be opened: {exception.Message}", exception);
        }

        int width = names.Length == 0 ? 0 : names.Max(name => name.Length);
        byte[] bytes = new byte[names.Length * width];
        for (int i = 0; i < names.Length; i++)
        {
            names[i].CopyTo(bytes, i * width);
        }

        return new StoredArray(path, path, ElementType.UInt8, [names.Length, width], bigEndian: false, bytes.Length, () => new MemoryStream(bytes, writable: false)) { IsText = true };
    }
}
