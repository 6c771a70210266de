using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Worker.Caching.Schema;

namespace ModelBuildTasks.Worker.Caching;

/// <summary>
/// Artifacts that others made, over the plain HTTP cache protocol of Bazel's clients: <c>ac/&lt;key&gt;</c> is an ActionResult that names two
/// blobs, <c>cas/&lt;sha256&gt;</c> their bytes. One blob is the artifact, the other the <see cref="StoreEntry"/> that this machine's store would
/// hold for it. Nothing that a server does or fails to do stops a build; it is told once in a process, and a server that does not work is left alone.
/// </summary>
internal sealed class RemoteCache(RemoteCacheAddress address, TimeSpan patience)
{
    internal const string ArtifactPath = "artifact";
    internal const string EntryPath = "entry";

    /// <summary>Two paths and digests have some 200 bytes.</summary>
    private const int LargestActionResult = 64 * 1024;

    /// <summary>Steps, notes and figures have some 10 KB.</summary>
    private const int LargestEntry = 1024 * 1024;

    /// <summary>A Protobuf message cannot pass 2 GiB.</summary>
    private const long LargestArtifact = int.MaxValue;

    private static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(15);
    private static readonly ConcurrentDictionary<string, RemoteCache> Known = new(StringComparer.Ordinal);
    private readonly RemoteClient client = new(address, patience);
    private volatile bool isGivenUp;
    private volatile bool isReadOnly;
    private string? fault;
    private int told;

    /// <summary>The cache at a URL, the same one for all requests of this process.</summary>
    /// <returns>Null without a valid URL.</returns>
    internal static RemoteCache? At(string? url) => url is { Length: > 0 } && RemoteCacheAddress.Parse(url) is { } address
        ? Known.GetOrAdd(url, _ => new RemoteCache(address, UsualPatience))
        : null;

    /// <summary>The outcome under <paramref name="key"/>, its artifact written to <paramref name="artifactPath"/> with the hash that it claims; null when there is none.</summary>
    internal Outcome? TryDownload(string key, string artifactPath, CancellationToken cancellation)
    {
        if (isGivenUp)
        {
            return null;
        }

        try
        {
            if (client.Get($"ac/{key}", LargestActionResult, cancellation) is not { } answer)
            {
                return null;
            }

            (Digest artifact, Digest description) = Read(answer);
            if (client.Get($"cas/{description.Hash}", LargestEntry, cancellation) is not { } bytes)
            {
                // The server has evicted it.
                return null;
            }

            if (bytes.Length != description.SizeBytes || ContentHash.Of(bytes) != description.Hash || StoreEntry.Parse(bytes) is not { } entry ||
                entry.Key != key || entry.ArtifactSha256 != artifact.Hash || entry.ArtifactBytes != artifact.SizeBytes || ArtifactCache.Parse(entry.Description) is not { } outcome)
            {
                throw new RemoteCacheException("it sent a description that does not belong to this model and these settings", isUnusable: false);
            }

            return client.Download($"cas/{artifact.Hash}", artifact.Hash, artifact.SizeBytes, artifactPath, cancellation) ? outcome : null;
        }
        catch (RemoteCacheException exception)
        {
            Fail(exception);
            return null;
        }
    }

    /// <summary>Gives an artifact to the others. A server that takes nothing is one to read from.</summary>
    internal void Upload(string key, string artifactPath, Outcome outcome, CancellationToken cancellation) => Upload([(key, outcome)], artifactPath, cancellation);

    /// <summary>Gives an artifact to the others, once, with what is known of it by each of its keys.</summary>
    internal void Upload(IReadOnlyList<(string Key, Outcome Outcome)> known, string artifactPath, CancellationToken cancellation)
    {
        if (isGivenUp || isReadOnly)
        {
            return;
        }

        try
        {
            bool isSent = false;
            foreach ((string key, Outcome outcome) in known)
            {
                byte[] entry = new StoreEntry(key, outcome.ArtifactSha256, outcome.ArtifactBytes, ArtifactCache.Describe(outcome)).ToBytes();
                string entrySha256 = ContentHash.Of(entry);
                ActionResult result = new() { OutputFiles = { File(ArtifactPath, outcome.ArtifactSha256, outcome.ArtifactBytes), File(EntryPath, entrySha256, entry.Length) } };
                // The small blob first: a server that refuses it need not be sent the large one. The result last: whoever finds it finds both.
                isSent = client.Put($"cas/{entrySha256}", () => new MemoryStream(entry), cancellation)
                    && (isSent || client.Put($"cas/{outcome.ArtifactSha256}", () => new FileStream(artifactPath, FileMode.Open, FileAccess.Read, FileShare.Read), cancellation))
                    && client.Put($"ac/{key}", () => new MemoryStream(result.ToByteArray()), cancellation);
                isReadOnly = !isSent;
                if (isReadOnly)
                {
                    return;
                }
            }
        }
        catch (RemoteCacheException exception)
        {
            Fail(exception);
        }
    }

    /// <summary>Remembers what is wrong with the server, or with what it sent.</summary>
    internal void Fail(RemoteCacheException exception)
    {
        isGivenUp |= exception.IsUnusable;
        Interlocked.CompareExchange(ref fault, exception.Message, null);
    }

    /// <summary>What went wrong, to the first who asks after it did.</summary>
    internal bool TryTakeWarning(string file, [NotNullWhen(true)] out Diagnostic? warning)
    {
        warning = fault is { } message && Interlocked.Exchange(ref told, 1) == 0 ? Diagnostic.Create(DiagnosticCatalogue.RemoteCacheFailed, file, address, message) : null;
        return warning is not null;
    }

    private static (Digest Artifact, Digest Entry) Read(byte[] answer)
    {
        try
        {
            ActionResult result = ActionResult.Parser.ParseFrom(answer);
            Digest? artifact = result.OutputFiles.FirstOrDefault(file => file.Path == ArtifactPath)?.Digest;
            Digest? entry = result.OutputFiles.FirstOrDefault(file => file.Path == EntryPath)?.Digest;
            if (result.ExitCode == 0 && IsPlausible(artifact, LargestArtifact) && IsPlausible(entry, LargestEntry))
            {
                return (artifact, entry);
            }
        }
        catch (InvalidProtocolBufferException)
        {
            // A page of a proxy or a login, most often.
        }

        throw new RemoteCacheException("it sent something that is no result of ours", isUnusable: false);
    }

    private static bool IsPlausible([NotNullWhen(true)] Digest? digest, long limit) => digest is not null && ContentHash.IsHash(digest.Hash) && digest.SizeBytes > 0 && digest.SizeBytes <= limit;

    private static OutputFile File(string path, string sha256, long length) => new() { Path = path, Digest = new Digest { Hash = sha256, SizeBytes = length } };
}
