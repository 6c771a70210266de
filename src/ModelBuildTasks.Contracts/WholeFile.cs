using System;
using System.IO;
using System.Linq;
using System.Text;

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
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var staged = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllBytes(staged, bytes);
            // netstandard2.0 has no overwriting move; Replace needs a file to replace, which another build may make at any moment.
            if (!File.Exists(path))
            {
                try
                {
                    File.Move(staged, path);
                    return;
                }
                catch (IOException) when (File.Exists(path))
                {
                }
            }

            File.Replace(staged, path, null);
        }
        finally
        {
            File.Delete(staged);
        }
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
