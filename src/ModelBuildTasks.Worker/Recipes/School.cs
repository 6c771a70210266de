using System.Diagnostics;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>What a request trains with: a teacher, samples and time, and where it keeps what came of it.</summary>
/// <param name="teacher">The model that is learned from.</param>
/// <param name="data">Samples, with labels or without.</param>
/// <param name="epochs">The project's FineTuneEpochs.</param>
/// <param name="clock">The time that is left.</param>
/// <param name="kept">Models that were trained before.</param>
/// <param name="checkpoints">Full path of the folder for what is being trained.</param>
/// <param name="key">The key of training: what another data set or another worker trains is another thing.</param>
internal sealed class School(Model teacher, Dataset data, int? epochs, TrainingClock clock, TrainedModels kept, string checkpoints, string key)
{
    /// <summary>What was left by a killed process, and nobody went on with.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(30);

    /// <summary>SHA-256 of what the passes that train made for the lock file, in their order; empty where nothing is pinned.</summary>
    internal IReadOnlyList<string> Pinned { get; init; } = [];

    /// <summary>Whether what is made is what the lock file has, training or none.</summary>
    internal bool IsLocked { get; init; }

    /// <summary>Whether the first output is known to hold scores of classes.</summary>
    internal bool IsClassifier { get; init; }

    internal TrainedModels Kept => kept;

    /// <summary>What a search has after training, in seconds.</summary>
    internal double SecondsLeft => clock.LeftForSearch.TotalSeconds;

    internal bool HasTime => clock.HasTime;

    internal TrainingTask Task(string? checkpoint) => new(teacher, data, epochs, clock.Left, checkpoint, IsClassifier);

    /// <summary>What is to be done, as a hash: this training of this model, and by what it prunes, the target that it prunes for.</summary>
    internal string WorkOn(Model model, string technique, TargetProfile? target) => ContentDigest.OfText($"{key}\n{technique}\n{target?.Name}\n{model.Digest()}");

    /// <summary>Where training writes how far it is; null where it can't write there.</summary>
    internal string? CheckpointOf(string work)
    {
        try
        {
            DirectoryInfo folder = Directory.CreateDirectory(checkpoints);
            foreach (FileInfo old in folder.EnumerateFiles($"*{StoreContents.CheckpointExtension}*").Where(file => DateTime.UtcNow - file.LastWriteTimeUtc > Abandoned))
            {
                old.Delete();
            }

            return Path.Combine(checkpoints, work + StoreContents.CheckpointExtension);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // As with all that is cached: the work is then done again.
            return null;
        }
    }
}

/// <summary>The time that training has: the project's ModelOptimizationTimeout, less what the build took before.</summary>
/// <param name="seconds">The limit; null or 0 where the project writes none.</param>
/// <param name="isSearching">Whether a search follows, which has the other half.</param>
/// <param name="isLast">Whether a search trains behind all else that it tries; it is then to end before the search does.</param>
internal sealed class TrainingClock(double? seconds, bool isSearching, bool isLast = false)
{
    /// <summary>Of a project that writes no ModelOptimizationTimeout.</summary>
    private static readonly TimeSpan Default = TimeSpan.FromMinutes(5);

    /// <summary>What training gets at least: enough for it to say what it could not do.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    /// <summary>The rest is for what follows: quantizing, verifying and measuring.</summary>
    private const double TrainingShare = 0.9;

    /// <summary>Seconds that are no limit: a hundred years.</summary>
    private const double Longest = 3.2e9;

    private const double ShareBesideSearch = 0.5;

    private const double ShareWithinSearch = 0.75;

    private readonly Stopwatch watch = Stopwatch.StartNew();

    /// <summary>What training may take from now on.</summary>
    internal TimeSpan Left => Of(!isSearching ? TrainingShare : isLast ? ShareWithinSearch : ShareBesideSearch);

    /// <summary>What a search that begins now may take.</summary>
    internal TimeSpan LeftForSearch => Of(1);

    /// <summary>Whether there is time to train at all.</summary>
    internal bool HasTime => Left > Shortest;

    private TimeSpan Of(double share)
    {
        TimeSpan limit = seconds is > 0 and var written ? TimeSpan.FromSeconds(Math.Min(written, Longest)) : Default;
        TimeSpan left = (limit * share) - watch.Elapsed;
        return left > Shortest ? left : Shortest;
    }
}
