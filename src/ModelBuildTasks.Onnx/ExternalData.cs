using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// Reads tensors that a model keeps in files beside it (ONNX "external data"). The files are memory-mapped. A location that
/// leaves the model's folder, by <c>..</c>, an absolute path or a link, is refused, as are offsets and lengths outside the file.
/// </summary>
internal sealed class ExternalDataReader(string modelPath)
{
    /// <summary>Links on one path before it counts as a loop, as in Linux (MAXSYMLINKS).</summary>
    private const int MostLinks = 40;

    private readonly string folder = Path.GetDirectoryName(Path.GetFullPath(modelPath))!;
    private readonly Dictionary<string, MappedFile> files = new(StringComparer.Ordinal);

    /// <summary>Full paths of the files that were read from.</summary>
    internal IReadOnlyList<string> Files => [.. files.Keys.Order(StringComparer.Ordinal).Select(location => Path.GetFullPath(Path.Combine(folder, location)))];

    internal ReadOnlyMemory<byte> Read(TensorProto proto, long expectedBytes)
    {
        string? location = null;
        long offset = 0;
        long? length = null;
        foreach (StringStringEntryProto entry in proto.ExternalData)
        {
            switch (entry.Key)
            {
                case "location":
                    location = entry.Value;
                    break;
                case "offset":
                    offset = ParseCount(proto, entry);
                    break;
                case "length":
                    length = ParseCount(proto, entry);
                    break;
            }
        }

        if (string.IsNullOrEmpty(location))
        {
            throw Fault(proto, "names no file");
        }

        if (length is { } declared && declared != expectedBytes)
        {
            throw Fault(proto, $"declares {declared} bytes where the shape needs {expectedBytes}");
        }

        MappedFile file = Open(proto, location);
        if (offset > file.Length || expectedBytes > file.Length - offset)
        {
            throw Fault(proto, $"reads bytes {offset}..{(decimal)offset + expectedBytes} of '{location}', which has {file.Length}");
        }

        // Memory<byte> counts in 32 bits; a single larger tensor cannot be handed to a managed span either.
        return expectedBytes <= int.MaxValue
            ? file.Slice(offset, (int)expectedBytes)
            : throw new ModelFormatException(ModelFormatError.TensorTooLarge, FormattableString.Invariant($"Tensor '{proto.Name}' has {expectedBytes:N0} bytes; a single tensor may have {int.MaxValue:N0}."));
    }

    private MappedFile Open(TensorProto proto, string location)
    {
        if (files.TryGetValue(location, out MappedFile? open))
        {
            return open;
        }

        // The specification's locations are POSIX paths; elsewhere than on Windows '\\' is a letter of a file's name.
        if (location.Contains('\\', StringComparison.Ordinal))
        {
            throw Fault(proto, $"lies at '{location}'; ONNX wants '/' between folders, so that the model loads on every system");
        }

        string? path = location.Contains('\0', StringComparison.Ordinal) ? null : Path.GetFullPath(Path.Combine(folder, location));
        if (path is null || Path.IsPathRooted(location) || !IsInside(folder, path))
        {
            throw Fault(proto, $"lies at '{location}', outside the model's folder");
        }

        FileInfo info = new(path);
        if (!info.Exists)
        {
            throw Fault(proto, $"lies in '{location}', which does not exist beside the model");
        }

        if (!IsInside(RealPath(folder), RealPath(path)))
        {
            throw Fault(proto, $"lies at '{location}', which links out of the model's folder");
        }

        try
        {
            return files[location] = new MappedFile(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(ModelFormatError.ExternalData, $"The external data '{location}' of tensor '{proto.Name}' cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>
    /// The path without links, resolved part by part: the target of a link may itself lead through links, which
    /// <see cref="FileSystemInfo.ResolveLinkTarget"/> does not see.
    /// </summary>
    private static string RealPath(string path)
    {
        string root = Path.GetPathRoot(path)!;
        Stack<string> open = new();
        Push(path[root.Length..]);
        string real = root;
        for (int links = 0; open.TryPop(out string? part);)
        {
            string next = Path.Combine(real, part);
            if (part is "..")
            {
                real = Path.GetDirectoryName(real) ?? root;
            }
            else if (part is "." || new FileInfo(next).LinkTarget is not { } target)
            {
                real = part is "." ? real : next;
            }
            else if (++links > MostLinks)
            {
                return root;
            }
            else
            {
                string targetRoot = Path.IsPathRooted(target) ? Path.GetPathRoot(target)! : "";
                real = targetRoot.Length > 0 ? targetRoot : real;
                Push(target[targetRoot.Length..]);
            }
        }

        return real;

        void Push(string relative)
        {
            foreach (string part in relative.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                open.Push(part);
            }
        }
    }

    private static bool IsInside(string folder, string path) =>
        path.StartsWith(Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static long ParseCount(TensorProto proto, StringStringEntryProto entry) =>
        long.TryParse(entry.Value, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long value)
            ? value
            : throw Fault(proto, $"has the {entry.Key} '{entry.Value}', which is not a count of bytes");

    private static ModelFormatException Fault(TensorProto proto, string problem) =>
        new(ModelFormatError.ExternalData, $"The external data of tensor '{proto.Name}' {problem}.");
}
