using System;
using System.Globalization;
using System.IO;
using System.Text;

namespace ModelBuildTasks.Items;

/// <summary>
/// Short texts that change when files do, for deciding in every build whether there is anything to do. A stamp that differs although
/// the file does not costs a read of the file and no more.
/// </summary>
internal static class InputStamp
{
    /// <summary>Models up to this size are read in every build, some 40 ms each at most: weights trained again have the same length, and archives give old times.</summary>
    private const long ReadWhole = 64L * 1024 * 1024;

    private const int SampledBlocks = 64;
    private const int BlockBytes = 16 * 1024;

    /// <summary>Of a model or its external data: of its times, and of what the file holds; when it is large, of blocks spread over it.</summary>
    public static string OfContents(string path)
    {
        var times = $"{OfTimes(path)}|{File.GetCreationTimeUtc(path).Ticks}";
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        if (stream.Length <= ReadWhole)
        {
            return $"{Fingerprint.OfStream(stream)}|{times}";
        }

        var samples = new MemoryStream(SampledBlocks * BlockBytes);
        var block = new byte[BlockBytes];
        for (var i = 0L; i < SampledBlocks; i++)
        {
            stream.Position = (stream.Length - BlockBytes) * i / (SampledBlocks - 1);
            samples.Write(block, 0, stream.Read(block, 0, BlockBytes));
        }

        samples.Position = 0;
        return $"{Fingerprint.OfStream(samples)}|{times}";
    }

    /// <summary>Of a file, or of every file below a folder: names, lengths and times of last write.</summary>
    public static string OfTimes(string path)
    {
        var text = new StringBuilder();
        if (Directory.Exists(path))
        {
            foreach (var file in new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories))
            {
                Append(text, file, file.FullName.Substring(path.Length));
            }

            return Fingerprint.OfText(text.ToString());
        }

        Append(text, new FileInfo(path), "");
        return text.ToString();
    }

    /// <summary>Of which files a folder holds, not of what they hold.</summary>
    public static string OfNames(string folder)
    {
        var text = new StringBuilder();
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            text.Append(file).Append('\n');
        }

        return Fingerprint.OfText(text.ToString());
    }

    /// <summary>Of each of some files.</summary>
    public static string OfTimes(string[] files)
    {
        var text = new StringBuilder();
        foreach (var file in files)
        {
            Append(text, new FileInfo(file), file);
        }

        return Fingerprint.OfText(text.ToString());
    }

    private static void Append(StringBuilder text, FileInfo file, string name) => text.Append(name)
        .Append('|').Append((file.Exists ? file.Length : -1).ToString(CultureInfo.InvariantCulture))
        .Append('|').Append(file.LastWriteTimeUtc.Ticks.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
