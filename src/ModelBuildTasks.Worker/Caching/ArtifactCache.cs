using System.Text.Json;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Worker.Caching;

/// <summary>The store of artifacts on this machine, each described by its <see cref="Outcome"/>.</summary>
internal sealed class ArtifactCache(string directory)
{
    private static readonly byte[] TrainedDescription = "trained"u8.ToArray();

    private readonly ArtifactStore store = new(directory);

    /// <summary>Full path of the folder for what is being trained.</summary>
    internal string CheckpointFolder => StoreContents.CheckpointFolder(directory);

    /// <inheritdoc cref="ArtifactStore.Lock"/>
    internal IDisposable? Lock(string key, CancellationToken cancellation) => store.Lock(key, cancellation);

    /// <summary>The outcome stored under <paramref name="key"/>, its artifact copied to <paramref name="artifactPath"/> and its external data beside that; null when there is none.</summary>
    internal Outcome? TryRestore(string key, string artifactPath) =>
        store.TryRestore(key, artifactPath) is { } description && Parse(description) is { } outcome && (outcome.ExternalData is not { } name || store.TryRestoreData(artifactPath, name)) ? outcome : null;

    /// <summary>Stores an artifact and what is known of it.</summary>
    internal void Store(string key, string artifactPath, Outcome outcome)
    {
        if (outcome.ExternalData is { } name)
        {
            store.StoreData(artifactPath, name);
        }

        store.Store(key, artifactPath, Describe(outcome));
    }

    /// <summary>Stores the result of a request, for builds that ask for the very same.</summary>
    internal void Store(OptimizationRequest request, OptimizationResult result, string artifactPath) => CachedResult.Store(store, request, result, artifactPath);

    /// <summary>Stores a trained model by hashes that it is asked for by: of its bytes, and of how it is made.</summary>
    internal void StoreTrained(IEnumerable<string> hashes, string modelPath) => store.Store(hashes.Select(TrainedKey), modelPath, TrainedDescription);

    /// <summary>Copies a trained model to <paramref name="modelPath"/>, which appears whole.</summary>
    /// <returns>Whether it is there.</returns>
    internal bool TryRestoreTrained(string hash, string modelPath) => store.TryRestore(TrainedKey(hash), modelPath) is not null;

    /// <summary>Whether an entry is of a trained model.</summary>
    internal static bool IsTrained(byte[] description) => description.AsSpan().SequenceEqual(TrainedDescription);

    private static string TrainedKey(string hash) => ContentDigest.OfText($"trained {hash}");

    internal static byte[] Describe(Outcome outcome) => JsonSerializer.SerializeToUtf8Bytes(outcome, OutcomeJson.Default.Outcome);

    /// <returns>Null when this is no outcome of this version.</returns>
    internal static Outcome? Parse(byte[] description)
    {
        try
        {
            return JsonSerializer.Deserialize(description, OutcomeJson.Default.Outcome);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
