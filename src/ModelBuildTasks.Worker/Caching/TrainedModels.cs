using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Caching;

/// <summary>
/// Trained models by the SHA-256 of their bytes: in the cache, and in a folder of the project's where there is one, which is committed with the lock file. What lies there may have been edited, merged or exchanged, so
/// that its bytes are held against the hash by which they are asked for.
/// </summary>
/// <param name="cache">The cache.</param>
/// <param name="request">Names the model, the target and the project's folder.</param>
internal sealed class TrainedModels(ArtifactCache cache, OptimizationRequest request)
{
    /// <summary>A trained model that was kept.</summary>
    /// <param name="sha256">What it is known by.</param>
    /// <param name="like">The model in whose place it is put; it has the same inputs and outputs.</param>
    /// <returns>The model, and where it was found, as part of a sentence; null where nobody kept it.</returns>
    /// <exception cref="UnusableWeightsException">The file in the folder holds something else.</exception>
    internal (Model Model, string Place)? Find(string sha256, Model like)
    {
        if (!ContentHash.IsHash(sha256))
        {
            return null;
        }

        if (PathOf(sha256) is { } path && File.Exists(path))
        {
            return (Read(path, sha256, like), $"'{Path.GetFileName(path)}'");
        }

        return FromCache(sha256, sha256, like) is var (model, _) ? (model, "the cache") : null;
    }

    /// <summary>Waits until nobody does this work, and keeps others from it.</summary>
    /// <inheritdoc cref="ArtifactCache.Lock"/>
    internal IDisposable? Lock(string work, CancellationToken cancellation) => cache.Lock(work, cancellation);

    /// <summary>What the same training of the same model made on this machine.</summary>
    /// <param name="work">The hash of both.</param>
    /// <inheritdoc cref="Find"/>
    internal (Model Model, string Sha256)? FindOf(string work, Model like) => FromCache(work, expected: null, like);

    /// <summary>Keeps what was trained, and makes the model what is kept: what is done to it now is done to it again when it is taken from there.</summary>
    /// <param name="model">What training made.</param>
    /// <param name="work">What was done, as a hash.</param>
    /// <returns>What it is known by; null where it is too large to be kept.</returns>
    internal string? Keep(Model model, string work)
    {
        if (model.NeedsExternalData())
        {
            return null;
        }

        byte[] bytes = model.ToBytes();
        model.Restore(Model.Parse(bytes).TakeSnapshot());
        string sha256 = ContentHash.Of(bytes);
        string copy = TemporaryPath();
        try
        {
            File.WriteAllBytes(copy, bytes);
            cache.StoreTrained([sha256, work], copy);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // As with all that is cached: the work is then done again.
        }
        finally
        {
            File.Delete(copy);
        }

        return sha256;
    }

    /// <summary>Puts what an artifact was made with into the project's folder, where it is not there yet and the cache has it.</summary>
    /// <exception cref="IOException">The folder can't be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be.</exception>
    internal void Publish(IEnumerable<string> hashes)
    {
        foreach (string sha256 in hashes.Where(ContentHash.IsHash))
        {
            if (PathOf(sha256) is not { } path || File.Exists(path))
            {
                continue;
            }

            string copy = TemporaryPath();
            try
            {
                if (cache.TryRestoreTrained(sha256, copy))
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    WholeFile.Write(path, File.ReadAllBytes(copy));
                }
            }
            finally
            {
                File.Delete(copy);
            }
        }
    }

    /// <summary>Where the project's folder has a trained model.</summary>
    /// <returns>Null where the project has no such folder.</returns>
    internal string? PathOf(string sha256) => request.TrainedWeightsDirectory is { } directory ? TrainedFiles.PathOf(directory, request.Name, request.Target, sha256) : null;

    private (Model Model, string Sha256)? FromCache(string key, string? expected, Model like)
    {
        string copy = TemporaryPath();
        try
        {
            return cache.TryRestoreTrained(key, copy) && (expected ?? ContentDigest.OfFile(copy)) is var sha256 ? (Read(copy, sha256, like), sha256) : null;
        }
        catch (UnusableWeightsException)
        {
            // A cache is believed no more than the folder, and makes no errors: it is trained again.
            return null;
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private static Model Read(string path, string sha256, Model like)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (ContentHash.Of(bytes) is var found && found != sha256)
        {
            throw new UnusableWeightsException(path, $"its SHA-256 is {found}, and {sha256} is pinned");
        }

        try
        {
            Model model = Model.Parse(bytes);
            return Signature(model).SequenceEqual(Signature(like)) ? model
                : throw new UnusableWeightsException(path, "it is a model with other inputs or outputs");
        }
        catch (ModelFormatException fault)
        {
            throw new UnusableWeightsException(path, $"it is no model: {fault.Message.TrimEnd('.')}");
        }
    }

    private static IEnumerable<string> Signature(Model model) => model.Graph.Inputs.Concat(model.Graph.Outputs).Select(value => $"{value.Name}: {value.Type}");

    private static string TemporaryPath() => Path.Combine(Path.GetTempPath(), $"modelbuild-{Guid.NewGuid():N}.trained");
}

/// <summary>A file holds other weights than the lock file pins.</summary>
/// <param name="path">Full path of the file.</param>
/// <param name="reason">What is wrong with it, as a clause.</param>
internal sealed class UnusableWeightsException(string path, string reason) : Exception($"{path}: {reason}")
{
    internal string Path => path;

    internal string Reason => reason;
}
