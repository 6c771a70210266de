using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Items;

/// <summary>
/// Stamps of files and folders from paths, lengths and times: reading what the files hold would make every no-op build read every
/// data set. A file that is touched without a change makes the worker look, and find its cache.
/// </summary>
internal static class Fingerprint
{
    /// <param name="path">Full path of a file or folder that exists.</param>
    public static InputFingerprint Of(string path)
    {
        var files = Directory.Exists(path) ? Files(path, SearchOption.AllDirectories) : [new FileInfo(path)];
        return new InputFingerprint { Path = path, Files = files.Count, Length = files.Sum(file => file.Length), Stamp = Stamp(path, files) };
    }

    /// <summary>Every assembly beside the worker: a change in any of them may change what it makes.</summary>
    public static string OfWorker(string workerPath)
    {
        var folder = Path.GetDirectoryName(workerPath)!;
        return Stamp(folder, [.. Files(folder, SearchOption.TopDirectoryOnly).Where(file => file.Extension.Equals(".dll", StringComparison.OrdinalIgnoreCase))]);
    }

    private static List<FileInfo> Files(string folder, SearchOption option) =>
        [.. new DirectoryInfo(folder).EnumerateFiles("*", option).OrderBy(file => file.FullName, StringComparer.Ordinal)];

    private static string Stamp(string root, IReadOnlyList<FileInfo> files)
    {
        var text = new StringBuilder();
        foreach (var file in files)
        {
            text.Append(file.FullName.Substring(Math.Min(root.Length, file.FullName.Length))).Append('|').Append(file.Length.ToString(CultureInfo.InvariantCulture))
                .Append('|').Append(file.LastWriteTimeUtc.Ticks.ToString(CultureInfo.InvariantCulture)).Append('\n');
        }

        using var sha = SHA256.Create();
        return string.Concat(sha.ComputeHash(Encoding.UTF8.GetBytes(text.ToString())).Select(value => value.ToString("x2", CultureInfo.InvariantCulture)));
    }
}
