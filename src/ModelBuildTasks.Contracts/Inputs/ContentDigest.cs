using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Contracts;

/// <summary>SHA-256 of what files hold, in lower-case hexadecimal: never of their times or of where they lie.</summary>
public static class ContentDigest
{
    private const int BufferBytes = 1 << 20;

    public static string OfText(string text) => ContentHash.Of(Encoding.UTF8.GetBytes(text));

    /// <exception cref="IOException">The file cannot be read, or is a pipe or the like.</exception>
    public static string OfFile(string path)
    {
        // The buffer of the stream would only be copied through: the hash reads large blocks itself.
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1, FileOptions.SequentialScan);
        return stream.CanSeek ? OfStream(stream) : throw new IOException($"'{path}' is a pipe or a device, and inputs are read more than once: save it as a file.");
    }

    /// <summary>Of as many bytes as the stream says that it has: a device such as /dev/zero, to which a link may lead, has no end.</summary>
    public static string OfStream(Stream stream)
    {
        using var sha = SHA256.Create();
        var buffer = new byte[(int)Math.Min(BufferBytes, stream.Length)];
        for (var left = stream.Length; left > 0;)
        {
            var count = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
            if (count == 0)
            {
                throw new EndOfStreamException("The file ended while it was read.");
            }

            sha.TransformBlock(buffer, 0, count, null, 0);
            left -= count;
        }

        sha.TransformFinalBlock(buffer, 0, 0);
        return ContentHash.ToHex(sha.Hash);
    }

    /// <summary>Files by their names relative to <paramref name="root"/>, in an order that no file system decides.</summary>
    /// <param name="root">Full path of the folder.</param>
    /// <param name="files">Full paths of files below it.</param>
    /// <param name="cancelled">Asked between files.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancelled"/> said so.</exception>
    public static string OfFiles(string root, IEnumerable<string> files, Func<bool> cancelled)
    {
        var lines = new List<string>();
        foreach (var file in files)
        {
            if (cancelled())
            {
                throw new OperationCanceledException();
            }

            lines.Add($"{Relative(root, file)}\n{OfFile(file)}\n");
        }

        lines.Sort(StringComparer.Ordinal);
        return OfText(string.Concat(lines));
    }

    /// <summary>The path of a file relative to a folder above or beside it, with forward slashes.</summary>
    internal static string Relative(string root, string file)
    {
        var folder = root.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar;
        var relative = file.StartsWith(folder, StringComparison.Ordinal) ? file.Substring(folder.Length)
            : Uri.UnescapeDataString(new Uri(folder).MakeRelativeUri(new Uri(file)).ToString());
        return relative.Replace(Path.DirectorySeparatorChar, '/');
    }
}
