namespace ModelBuildTasks.Inference.Data;

/// <summary>Reads the lines of a JSON lines file as bytes, one at a time; empty lines are passed over.</summary>
internal static class JsonLineReader
{
    // One sample as text; keeps a file without line ends from being taken into memory whole.
    private const int LongestLine = 64 << 20;

    /// <exception cref="DatasetException">The file cannot be opened, or a line is longer than 64 MiB.</exception>
    internal static IEnumerable<(int Number, ReadOnlyMemory<byte> Line)> Read(string path)
    {
        using Stream stream = StoredArray.OpenFile(path, out _);
        byte[] buffer = new byte[1 << 16];
        int start = 0, end = 0, number = 0;
        bool more = true;
        while (more || start < end)
        {
            int length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (length < 0 && more)
            {
                (start, end) = Fill(path, stream, ref buffer, start, end, out more);
                continue;
            }

            ReadOnlyMemory<byte> line = buffer.AsMemory(start, length < 0 ? end - start : length);
            start += line.Length + (length < 0 ? 0 : 1);
            number++;
            line = number == 1 ? line[(line.Length - WithoutMark(line.Span).Length)..] : line;
            if (!line.Span.Trim("\r\t "u8).IsEmpty)
            {
                yield return (number, line);
            }
        }
    }

    /// <summary>The text without the byte order mark that some editors put before UTF-8.</summary>
    internal static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> text) => text.StartsWith("\uFEFF"u8) ? text["\uFEFF"u8.Length..] : text;

    private static (int Start, int End) Fill(string path, Stream stream, ref byte[] buffer, int start, int end, out bool more)
    {
        if (end == buffer.Length && start == 0)
        {
            if (buffer.Length >= LongestLine)
            {
                throw DatasetException.Corrupt(path, $"a line is longer than {LongestLine >> 20} MiB; each line must be one JSON object.");
            }

            Array.Resize(ref buffer, buffer.Length * 2);
        }

        buffer.AsSpan(start, end - start).CopyTo(buffer);
        end -= start;
        try
        {
            int read = stream.Read(buffer, end, buffer.Length - end);
            more = read > 0;
            return (0, end + read);
        }
        catch (InvalidDataException exception)
        {
            throw DatasetException.Corrupt(path, $"the file's compression is damaged: {exception.Message}", exception);
        }
    }
}
