using System.Diagnostics;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Benchmarks;

/// <summary>A pair with its data written in parts: makes artifacts of it, and measures them by what their making did not see.</summary>
internal sealed class PreparedPair : IDisposable
{
    /// <summary>The budget of every request: one point of Top1.</summary>
    internal const double MaxAccuracyDrop = 0.01;

    /// <summary>The project's ModelOptimizationTimeout, in seconds, unless it says otherwise.</summary>
    private const double TimeoutSeconds = 300;

    /// <summary>Long: a measurement that is given up would take all others of the run with it.</summary>
    private static readonly LatencySettings Patient = new() { WaitForMachine = TimeSpan.FromMinutes(10) };

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("modelbuild-benchmark-");
    private readonly LabelledPair pair;
    private readonly ModelSession original;
    private readonly Dataset search;
    private readonly Dataset heldOut;
    private readonly IReadOnlyList<Tensor> sample;
    private int made;

    internal PreparedPair(LabelledPair pair)
    {
        this.pair = pair;
        original = ModelSession.Open(pair.Path);
        (Dataset? calibration, Dataset labelled) = pair.Data(original);
        Data = SearchData.Write(calibration, labelled, folder.FullName);
        search = Dataset.Open(Data.Search, original.Inputs);
        heldOut = Dataset.Open(Data.HeldOut, original.Inputs);
        sample = heldOut.Read().First().Inputs;
    }

    internal string Name => pair.Name;

    internal string ModelPath => pair.Path;

    internal SearchData Data { get; }

    /// <summary>What an item gets that names its data and <c>MaxAccuracyDrop</c>, and nothing else.</summary>
    internal static ModelSettings Auto => new() { Pruning = Pruning.Auto };

    /// <summary>Carries a request out as a build does.</summary>
    /// <param name="name">The recipe.</param>
    /// <param name="settings">What the item says.</param>
    /// <param name="locked">What the lock file says.</param>
    internal Trial Make(string name, ModelSettings settings, LockedChoice? locked = null)
    {
        string own = Path.Combine(folder.FullName, $"{made++}");
        OptimizationRequest request = new()
        {
            ModelPath = pair.Path,
            Name = "model",
            Target = TargetProfiles.CpuX64.Name,
            Settings = settings,
            Budgets = new ModelBudgets { MaxAccuracyDrop = MaxAccuracyDrop },
            CalibrationData = Data.Calibration,
            EvaluationData = Data.Search,
            Locked = locked,
            OutputPath = Path.Combine(own, "model.onnx"),
            CacheDirectory = Path.Combine(own, "cache"),
            TimeoutSeconds = TimeoutSeconds,
        };
        Console.Error.Write($"{Name}: {name} … ");
        long start = Stopwatch.GetTimestamp();
        OptimizationResult result = new OptimizationPipeline(new Progress<PipelineProgress>()).Run(request, CancellationToken.None);
        Trial trial = new(name, request, result, Stopwatch.GetElapsedTime(start).TotalSeconds);
        Console.Error.WriteLine(trial.Fault ?? FormattableString.Invariant($"{trial.Seconds:0.0} s, {trial.Choice}"));
        return trial;
    }

    /// <summary>Top1 of the original on the half that no search sees.</summary>
    internal double HeldOutAccuracy() => AccuracyComparison.Run(original, original, heldOut).Original.Value;

    internal Estimate SearchDrop(Trial trial) => Drop(trial, search);

    internal Estimate HeldOutDrop(Trial trial) => Drop(trial, heldOut);

    /// <summary>The time of one model over another's, one thread, on a sample of the held-out half: of several interleaved runs with sessions of their own the median, with its interval.</summary>
    internal Estimate Ratio(string of, string over, int rounds)
    {
        Console.Error.Write($"{Name}: latency … ");
        Estimate[] ratios = [.. Enumerable.Range(0, rounds).Select(_ => Ratio(of, over)).OrderBy(ratio => ratio.Value)];
        Console.Error.WriteLine(string.Join(", ", ratios));
        return ratios[ratios.Length / 2];
    }

    public void Dispose()
    {
        original.Dispose();
        folder.Delete(recursive: true);
    }

    private Estimate Ratio(string of, string over)
    {
        using ModelSession first = ModelSession.Open(over);
        using ModelSession second = ModelSession.Open(of);
        return LatencyComparison.Run(first, second, sample, ProcessorName.Current, settings: Patient)?.Ratio ?? throw new InvalidOperationException("Another process is measuring.");
    }

    private Estimate Drop(Trial trial, Dataset dataset)
    {
        using ModelSession optimized = ModelSession.Open(trial.Artifact);
        return AccuracyComparison.Run(original, optimized, dataset).Drop ?? throw new InvalidOperationException("The original has no finite score.");
    }
}
