using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>
/// Artifacts by the hash of everything they depend on. <c>ac/12/&lt;key&gt;</c> is a <see cref="StoreEntry"/>, <c>cas/34/&lt;sha256&gt;</c> the
/// bytes of an artifact, which several keys may share. Files appear whole and are checked when they are taken out. No fault of the store
/// fails a build: the work is then done again.
/// </summary>
public sealed class ArtifactStore
{
    internal const string EntryFolder = "ac";
    internal const string ArtifactFolder = "cas";
    internal const string StagingFolder = "tmp";
    private const string LockFolder = "locks";
    private readonly string _directory;
    private readonly long? _bound;

    /// <param name="directory">Full path of the folder; made when it is needed.</param>
    /// <param name="bound">Bytes to keep at most; null for <see cref="StoreEviction.DefaultBound"/>.</param>
    public ArtifactStore(string directory, long? bound = null)
    {
        _directory = directory;
        _bound = bound;
    }

    /// <summary>The user's own: <c>modelbuild</c> in LocalAppData, Library/Caches, or XDG_CACHE_HOME (~/.cache).</summary>
    public static string DefaultDirectory
    {
        get
        {
            // Not verified: a home that is not there yet is made. Users without one get the temporary folder, and never a path relative to the build.
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } known ? known : Path.GetTempPath();
            var root = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify)
                : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? Path.Combine(home, "Library", "Caches")
                : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg && Path.IsPathRooted(xdg) ? xdg
                : Path.Combine(home, ".cache");
            return Path.Combine(root, "modelbuild");
        }
    }

    /// <summary>Waits until nobody else works on <paramref name="key"/>, so that a result is computed once. Hold one lock at a time: keys may share one.</summary>
    /// <returns>The lock; null when the folder cannot be used, and the caller works alone.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public IDisposable? Lock(string key, CancellationToken cancellation) => KeyLock.Acquire(Path.Combine(_directory, LockFolder), Checked(key), cancellation);

    /// <summary>
    /// Copies the artifact of <paramref name="key"/> to <paramref name="artifactPath"/>, which appears whole and with the present as its time:
    /// compilers compare times. An entry that is damaged is deleted.
    /// </summary>
    /// <param name="key">64 hexadecimal digits.</param>
    /// <param name="artifactPath">The place of the artifact.</param>
    /// <param name="isWanted">Asked of the description, before anything is copied; null takes whatever is there.</param>
    /// <returns>The description; null when there is no such entry or it is not wanted, and then nothing was written.</returns>
    public byte[]? TryRestore(string key, string artifactPath, Func<byte[], bool>? isWanted = null)
    {
        var path = EntryPath(_directory, Checked(key));
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            if (StoreEntry.Parse(File.ReadAllBytes(path)) is not { } entry || entry.Key != key)
            {
                File.Delete(path);
                return null;
            }

            if (isWanted?.Invoke(entry.Description) == false)
            {
                return null;
            }

            MarkUsed(path);
            return Copy(entry, artifactPath) ? entry.Description : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Stores an artifact and what is known of it, and evicts what was not used for longest when the folder has become too large.</summary>
    public void Store(string key, string artifactPath, byte[] description) => Store([key], artifactPath, description);

    /// <summary>Stores an artifact, once, and what is known of it under each of its keys; nothing without a key.</summary>
    public void Store(IEnumerable<string> keys, string artifactPath, byte[] description)
    {
        string[] names = [.. keys.Select(Checked)];
        if (names.Length == 0)
        {
            return;
        }

        try
        {
            using var artifact = new StagedFile(Path.Combine(_directory, StagingFolder));
            artifact.CopyFrom(artifactPath);
            var place = ArtifactPath(_directory, artifact.Sha256);
            if (File.Exists(place) && StagedFile.Holds(place, artifact.Sha256, artifact.Length))
            {
                // Its other keys may be evicted at this moment; what is this young stays.
                MarkUsed(place);
            }
            else
            {
                artifact.MoveTo(place);
            }

            // The entries last: whoever finds one finds the artifact.
            var stored = artifact.Length;
            foreach (var key in names)
            {
                using var entry = new StagedFile(Path.Combine(_directory, StagingFolder));
                var bytes = new StoreEntry(key, artifact.Sha256, artifact.Length, description).ToBytes();
                entry.Write(bytes);
                entry.MoveTo(EntryPath(_directory, key));
                stored += bytes.Length;
            }

            new StoreEviction(_directory, _bound ?? StoreEviction.DefaultBound).Grow(stored);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A full disk or a read-only folder: the next build does the work again.
        }
    }

    /// <summary>Stores the file beside an artifact that holds its weights. Its name tells what it holds, so it is stored once, whatever artifacts read it.</summary>
    public void StoreData(string artifactPath, string name)
    {
        var key = ContentDigest.OfText(name);
        if (!IsStored(key))
        {
            Store(key, Beside(artifactPath, name), []);
        }
    }

    /// <summary>Copies external data to its place beside an artifact.</summary>
    /// <returns>Whether it is there.</returns>
    public bool TryRestoreData(string artifactPath, string name) => TryRestore(ContentDigest.OfText(name), Beside(artifactPath, name)) is not null;

    internal static string EntryPath(string directory, string key) => Path.Combine(directory, EntryFolder, key.Substring(0, 2), key);

    internal static string ArtifactPath(string directory, string sha256) => Path.Combine(directory, ArtifactFolder, sha256.Substring(0, 2), sha256);

    private static string Beside(string artifactPath, string name) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(artifactPath))!, name);

    /// <summary>Whether an entry and its artifact are there, which then count as used.</summary>
    private bool IsStored(string key)
    {
        var path = EntryPath(_directory, key);
        try
        {
            if (!File.Exists(path) || StoreEntry.Parse(File.ReadAllBytes(path)) is not { } entry || !File.Exists(ArtifactPath(_directory, entry.ArtifactSha256)))
            {
                return false;
            }

            MarkUsed(path);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private bool Copy(StoreEntry entry, string artifactPath)
    {
        var source = ArtifactPath(_directory, entry.ArtifactSha256);
        if (File.Exists(source))
        {
            using var copy = new StagedFile(Path.GetDirectoryName(Path.GetFullPath(artifactPath))!, $"{Path.GetFileName(artifactPath)}.");
            copy.CopyFrom(source);
            if (copy.Length == entry.ArtifactBytes && copy.Sha256 == entry.ArtifactSha256)
            {
                copy.MoveTo(Path.GetFullPath(artifactPath));
                return true;
            }

            File.Delete(source);
        }

        File.Delete(EntryPath(_directory, entry.Key));
        return false;
    }

    private static void MarkUsed(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A cache that is shared read-only is not evicted from here either.
        }
    }

    private static string Checked(string key) => ContentHash.IsHash(key) ? key : throw new ArgumentException($"'{key}' is no key: expected 64 lower-case hexadecimal digits.", nameof(key));
}
