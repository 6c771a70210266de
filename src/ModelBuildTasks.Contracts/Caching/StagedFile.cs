using System;
using System.IO;
using System.Security.Cryptography;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>A file that is written under a name of its own and then takes its place whole. What did not get there is deleted.</summary>
internal sealed class StagedFile : IDisposable
{
    private const int BufferSize = 1 << 20;
    private const int Attempts = 3;
    private readonly string _path;

    /// <param name="folder">On the volume of the place it will take; made when it is not there.</param>
    /// <param name="prefix">What its name begins with, for those who clean up after a process that was killed.</param>
    public StagedFile(string folder, string prefix = "")
    {
        Directory.CreateDirectory(folder);
        _path = Path.Combine(folder, $"{prefix}{Guid.NewGuid():N}{Extension}");
    }

    internal const string Extension = ".tmp";

    /// <summary>SHA-256 of what was copied.</summary>
    public string Sha256 { get; private set; } = "";

    /// <summary>Bytes that were copied.</summary>
    public long Length { get; private set; }

    public void Write(byte[] bytes) => File.WriteAllBytes(_path, bytes);

    /// <summary>Copies a file and hashes it on the way, so that it is read once.</summary>
    public void CopyFrom(string source)
    {
        using var reader = Open(source);
        using var writer = new FileStream(_path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        (Sha256, Length) = Hash(reader, writer);
    }

    /// <summary>Takes the place of <paramref name="destination"/>, whether there is a file or not.</summary>
    public void MoveTo(string destination)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(destination)!);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                // netstandard2.0 has no overwriting move; Replace needs a file to replace.
                if (File.Exists(destination))
                {
                    File.Replace(_path, destination, null);
                }
                else
                {
                    File.Move(_path, destination);
                }

                return;
            }
            catch (IOException) when (attempt < Attempts && File.Exists(_path))
            {
                // Another process was faster: what was absent is there now, or the reverse.
            }
        }
    }

    public void Dispose()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Eviction takes it away when it is a day old.
        }
    }

    /// <summary>Whether a file holds these contents.</summary>
    internal static bool Holds(string path, string sha256, long length)
    {
        using var reader = Open(path);
        return reader.Length == length && Hash(reader, Stream.Null).Sha256 == sha256;
    }

    // Delete is shared, so that on Windows too an entry can be evicted or replaced while it is read.
    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1, FileOptions.SequentialScan);

    private static (string Sha256, long Length) Hash(Stream reader, Stream writer)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferSize];
        long length = 0;
        for (int count; (count = reader.Read(buffer, 0, buffer.Length)) > 0; length += count)
        {
            hash.AppendData(buffer, 0, count);
            writer.Write(buffer, 0, count);
        }

        return (ContentHash.ToHex(hash.GetHashAndReset()), length);
    }
}
