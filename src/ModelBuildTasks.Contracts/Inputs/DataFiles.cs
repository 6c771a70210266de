using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// The files and folders whose change may change what a data set holds: itself, what lies beside it by convention (labels, a
/// description), and what a description names. Rather one too many, which costs a look into the cache, than one too few.
/// </summary>
public static class DataFiles
{
    // Every text in the description that is the path of a file is taken for data; reading the whole format is the worker's affair.
    // A folder counts as "data" only: "." and ".." are folders, too.
    private static readonly Regex s_text = new("(\"data\"\\s*:\\s*)?\"((?:[^\"\\\\]|\\\\.)*)\"", RegexOptions.CultureInvariant);

    /// <param name="path">Full path of a data set that exists.</param>
    public static IEnumerable<string> Of(string path)
    {
        var isFolder = Directory.Exists(path);
        var folder = isFolder ? path : Path.GetDirectoryName(path)!;
        string[] descriptions = isFolder ? [Path.Combine(path, "dataset.json")] : [path, path + ".json", Path.Combine(folder, "dataset.json")];
        descriptions = [.. descriptions.Where(file => file.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && File.Exists(file))];
        var beside = isFolder ? [] : Beside(path, folder);
        return new[] { path }.Concat(beside).Concat(descriptions).Concat(descriptions.SelectMany(file => Named(file, Path.GetDirectoryName(file)!)))
            .Distinct(StringComparer.Ordinal);
    }

    // An empty file is no data set, and a device, which has no length either, has others beside it.
    // "t10k-labels-idx1-ubyte.gz" beside "t10k-images-idx3-ubyte.gz", "labels.npy" beside "image.npy".
    private static IEnumerable<string> Beside(string path, string folder) =>
        path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || new FileInfo(path).Length == 0 ? []
            : Directory.EnumerateFiles(folder).Where(file => Extension(file) == Extension(path)).OrderBy(file => file, StringComparer.Ordinal);

    private static string Extension(string file) => Path.GetExtension(file).ToLowerInvariant();

    private static IEnumerable<string> Named(string description, string folder)
    {
        string text;
        try
        {
            text = File.ReadAllText(description);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }

        return s_text.Matches(text).Cast<Match>().Select(match => Locate(match.Groups[2].Value.Replace("\\\\", "\\"), folder, mayBeFolder: match.Groups[1].Success)).OfType<string>();
    }

    private static string? Locate(string name, string folder, bool mayBeFolder)
    {
        try
        {
            var path = name.Length > 0 ? Path.GetFullPath(Path.Combine(folder, name)) : null;
            return File.Exists(path) || (mayBeFolder && Directory.Exists(path)) ? path : null;
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException or PathTooLongException)
        {
            // .NET Framework throws at "input:0", the name of an input.
            return null;
        }
    }
}
