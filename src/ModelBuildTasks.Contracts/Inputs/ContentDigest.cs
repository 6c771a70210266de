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

    /// <exception cref="IOException">The file cannot be read.</exception>
    public static string OfFile(string path)
    {
        using var sha = SHA256.Create();
        // The buffer of the stream would only be copied through: the hash reads large blocks itself.
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferBytes, FileOptions.SequentialScan);
        return ContentHash.ToHex(sha.ComputeHash(stream));
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
