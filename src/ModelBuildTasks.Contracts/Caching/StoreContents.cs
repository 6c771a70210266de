using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>What lies in a store. Files that are not the store's own are not seen, and so never deleted.</summary>
public sealed class StoreContents
{
    /// <summary>What a file in <see cref="CheckpointFolder"/> ends in.</summary>
    public const string CheckpointExtension = ".checkpoint";

    private readonly string _directory;

    private StoreContents(string directory)
    {
        _directory = directory;
        Entries = [.. Files(ArtifactStore.EntryFolder).Select(file => new StoredEntry(file))];
        Artifacts = Files(ArtifactStore.ArtifactFolder).ToDictionary(file => file.Name, StringComparer.Ordinal);
        var staging = new DirectoryInfo(Path.Combine(directory, ArtifactStore.StagingFolder));
        var training = new DirectoryInfo(CheckpointFolder(directory));
        Unfinished = [.. staging.Exists ? staging.GetFiles("*" + StagedFile.Extension) : [], .. training.Exists ? training.GetFiles($"*{CheckpointExtension}*") : []];
    }

    /// <summary>Full path of the folder of a store where training writes how far it is.</summary>
    public static string CheckpointFolder(string directory) => Path.Combine(directory, "training");

    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be read.</exception>
    public static StoreContents Read(string directory) => new(directory);

    public IReadOnlyList<StoredEntry> Entries { get; }

    /// <summary>Artifacts by SHA-256.</summary>
    public IReadOnlyDictionary<string, FileInfo> Artifacts { get; }

    /// <summary>What is being written or trained now, or was when a process was killed.</summary>
    public IReadOnlyList<FileInfo> Unfinished { get; }

    /// <summary>Bytes of entries and artifacts.</summary>
    public long Bytes => Entries.Sum(entry => entry.File.Length) + Artifacts.Values.Sum(artifact => artifact.Length);

    /// <summary>Hashes everything again, and removes what is damaged.</summary>
    /// <returns>What was damaged.</returns>
    public IReadOnlyList<StoreFault> Verify()
    {
        var faults = new List<StoreFault>();
        var damaged = new HashSet<string>(StringComparer.Ordinal);
        foreach (var artifact in Artifacts.Values.Where(artifact => IsThere(artifact) && !StagedFile.Holds(artifact.FullName, artifact.Name, artifact.Length)))
        {
            damaged.Add(artifact.Name);
            Remove(artifact, "its bytes are not those of its hash");
        }

        foreach (var entry in Entries.Where(entry => IsThere(entry.File)))
        {
            if (entry.Entry is not { } known)
            {
                Remove(entry.File, "its text is damaged");
            }
            else if (damaged.Contains(known.ArtifactSha256))
            {
                Delete(entry.File);
            }
            else if (!Artifacts.TryGetValue(known.ArtifactSha256, out var artifact))
            {
                Remove(entry.File, "its artifact is missing");
            }
            else if (artifact.Length != known.ArtifactBytes)
            {
                Remove(entry.File, "its artifact has another length");
            }
        }

        return faults;

        void Remove(FileInfo file, string reason)
        {
            faults.Add(new StoreFault(file.FullName, reason));
            Delete(file);
        }
    }

    /// <summary>Deletes everything.</summary>
    /// <returns>Bytes that were freed; less than there were when a file is in use.</returns>
    public long Clear()
    {
        long freed = 0;
        foreach (var file in Entries.Select(entry => entry.File).Concat(Artifacts.Values).Concat(Unfinished))
        {
            freed += Delete(file);
        }

        Delete(new FileInfo(StoreEviction.SizeFile(_directory)));
        return freed;
    }

    /// <returns>Bytes that were freed: 0 when the file cannot be deleted now.</returns>
    internal static long Delete(FileInfo file)
    {
        try
        {
            var length = file.Length;
            file.Delete();
            return length;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static bool IsThere(FileInfo file) => File.Exists(file.FullName);

    private IEnumerable<FileInfo> Files(string folder)
    {
        var root = new DirectoryInfo(Path.Combine(_directory, folder));
        return root.Exists
            ? root.EnumerateDirectories().SelectMany(shard => shard.EnumerateFiles().Where(file =>
                ContentHash.IsHash(file.Name) && shard.Name == file.Name.Substring(0, 2)))
            : [];
    }
}

/// <summary>A file under <c>ac/</c>.</summary>
public sealed class StoredEntry
{
    internal StoredEntry(FileInfo file)
    {
        File = file;
        LastUsed = file.LastWriteTimeUtc;
        try
        {
            Entry = StoreEntry.Parse(System.IO.File.ReadAllBytes(file.FullName)) is { } entry && entry.Key == file.Name ? entry : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Evicted since the folder was listed, or not readable: damaged as far as anyone here can tell.
        }
    }

    public FileInfo File { get; }

    /// <summary>UTC.</summary>
    public DateTime LastUsed { get; }

    /// <summary>Null when the file is damaged.</summary>
    public StoreEntry? Entry { get; }
}

/// <summary>A damaged file of a store.</summary>
public sealed class StoreFault
{
    internal StoreFault(string path, string reason)
    {
        Path = path;
        Reason = reason;
    }

    public string Path { get; }

    /// <summary>A clause.</summary>
    public string Reason { get; }
}
