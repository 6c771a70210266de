using System.IO;
using System.Linq;
using System.Text;
using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Contracts;

/// <summary>Writes files that appear whole or not at all: to a temporary name beside the file, and then one rename.</summary>
public static class WholeFile
{
    internal static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Replaces the file.</summary>
    public static void Write(string path, string text) => Write(path, Utf8.GetBytes(text));

    /// <summary>Replaces the file.</summary>
    public static void Write(string path, byte[] bytes)
    {
        using var staged = new StagedFile(Path.GetDirectoryName(path)!, $"{Path.GetFileName(path)}.");
        staged.Write(bytes);
        staged.MoveTo(path);
    }

    /// <summary>Leaves the file, and its time, alone when it already says the same: its time is what incremental builds compare.</summary>
    /// <returns>Whether the file was written.</returns>
    public static bool WriteIfDifferent(string path, string text)
    {
        var bytes = Utf8.GetBytes(text);
        if (File.Exists(path) && File.ReadAllBytes(path).SequenceEqual(bytes))
        {
            return false;
        }

        Write(path, bytes);
        return true;
    }
}
