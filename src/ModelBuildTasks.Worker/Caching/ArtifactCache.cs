using System.Text.Json;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Caching;

/// <summary>
/// Artifacts by the hash of everything they depend on. An entry appears whole (staged, then one rename) and is checked when it
/// is taken out. No fault of the cache fails a build: the work is then done again.
/// </summary>
internal sealed class ArtifactCache(string directory)
{
    private const string ArtifactFile = "artifact.onnx";
    private const string OutcomeFile = "outcome.json";

    /// <summary>The user's cache folder: XDG_CACHE_HOME, LocalAppData or Library/Caches.</summary>
    internal static string DefaultDirectory
    {
        get
        {
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            string root =
                OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches")
                : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg && Path.IsPathRooted(xdg) ? xdg
                : Path.Combine(home, ".cache");
            return Path.Combine(root, "modelbuild");
        }
    }

    /// <summary>The folder that holds the entries.</summary>
    internal string Directory { get; } = directory;

    /// <summary>Waits until no other process works on <paramref name="key"/>, so that a result is computed once.</summary>
    /// <returns>The lock; null when the cache folder cannot be used, and the caller works alone.</returns>
    internal IDisposable? Lock(string key, CancellationToken cancellation)
    {
        try
        {
            System.IO.Directory.CreateDirectory(Directory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        string path = Path.Combine(Directory, $"{key}.lock");
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (IOException fault) when (IsSharingViolation(fault))
            {
                cancellation.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(100));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // A full disk or a read-only folder: waiting would never end.
                return null;
            }
        }
    }

    /// <summary>The outcome stored under <paramref name="key"/>, its artifact copied to <paramref name="artifactPath"/>; null when there is none.</summary>
    internal Outcome? TryRestore(string key, string artifactPath)
    {
        string entry = EntryPath(key);
        try
        {
            Outcome? outcome = JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(entry, OutcomeFile)), OutcomeJson.Default.Outcome);
            string artifact = Path.Combine(entry, ArtifactFile);
            if (outcome is null || ContentDigest.OfFile(artifact) != outcome.ArtifactSha256)
            {
                return null;
            }

            CopyWhole(artifact, artifactPath);
            return outcome;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Stores an artifact and what is known of it.</summary>
    internal void Store(string key, string artifactPath, Outcome outcome)
    {
        string entry = EntryPath(key);
        string staging = $"{entry}.{Guid.NewGuid():N}.tmp";
        try
        {
            System.IO.Directory.CreateDirectory(staging);
            File.Copy(artifactPath, Path.Combine(staging, ArtifactFile));
            File.WriteAllBytes(Path.Combine(staging, OutcomeFile), JsonSerializer.SerializeToUtf8Bytes(outcome, OutcomeJson.Default.Outcome));
            if (System.IO.Directory.Exists(entry))
            {
                System.IO.Directory.Delete(entry, recursive: true);
            }

            System.IO.Directory.Move(staging, entry);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            TryDelete(staging);
        }
    }

    /// <summary>Copies a file so that the destination appears whole, with the present as its time: compilers compare times.</summary>
    internal static void CopyWhole(string source, string destination)
    {
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(destination))!);
        string temporary = $"{destination}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.Copy(source, temporary);
            File.SetLastWriteTimeUtc(temporary, DateTime.UtcNow);
            File.Move(temporary, destination, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Whether another process holds the file. .NET gives the system's own number: ERROR_SHARING_VIOLATION, or EWOULDBLOCK from flock.</summary>
    private static bool IsSharingViolation(IOException fault) => fault.HResult ==
        (OperatingSystem.IsWindows() ? unchecked((int)0x80070020) : OperatingSystem.IsMacOS() ? 35 : 11);

    private static void TryDelete(string directory)
    {
        try
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What cannot be removed now is a folder that no key names.
        }
    }

    private string EntryPath(string key) => Path.Combine(Directory, key[..2], key);
}
