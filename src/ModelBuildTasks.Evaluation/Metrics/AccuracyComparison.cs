using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// Scores a model and its optimized form over one pass of a data set. Of each sample a few numbers are kept, never its outputs; both models see the same samples, so
/// that their difference has a far narrower interval than either score.
/// </summary>
public static class AccuracyComparison
{
    // With no difference among n samples, the chance of one is below 3/n at 95 % (J. Hanley, A. Lippman-Hand, "If nothing goes wrong, is everything all right?", 1983).
    private const double RuleOfThree = 3;

    /// <param name="original">The model as it came.</param>
    /// <param name="optimized">Its optimized form, with the same inputs and outputs.</param>
    /// <param name="dataset">Samples made for the original's inputs.</param>
    /// <param name="metric">What to score by.</param>
    /// <param name="settings">Threads, resamples, confidence, seed.</param>
    /// <param name="progress">Told the number of samples done.</param>
    /// <param name="cancellation">Stops between samples.</param>
    /// <exception cref="MetricException">The metric does not apply to these labels or outputs, or the two models' outputs differ in shape.</exception>
    /// <exception cref="UndefinedOutputException">An output of the original is undefined for every sample.</exception>
    /// <exception cref="DatasetException">A sample is damaged or does not fit.</exception>
    /// <exception cref="InferenceException">ONNX Runtime cannot run a model on a sample.</exception>
    public static AccuracyResult Run(
        ModelSession original, ModelSession optimized, Dataset dataset, MetricKind metric = MetricKind.Auto,
        AccuracySettings? settings = null, IProgress<int>? progress = null, CancellationToken cancellation = default) =>
        Run(original.Run, optimized.Run, [.. original.Outputs.Select(output => output.Name)], dataset, metric, settings ?? new AccuracySettings(), progress, cancellation);

    internal static AccuracyResult Run(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> original, Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> optimized, IReadOnlyList<string> outputNames,
        Dataset dataset, MetricKind kind, AccuracySettings settings, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        kind = kind == MetricKind.Auto ? Choose(dataset) : kind;
        Metric metric = Metric.Create(kind);
        Kept[] kept = new Kept[dataset.Count];
        int done = 0;
        ForEachSample(dataset, settings.Threads, (sample, index) =>
        {
            IReadOnlyList<Tensor> before = original(sample.Inputs);
            IReadOnlyList<Tensor> after = optimized(sample.Inputs);
            CheckShapes(before, after, outputNames, metric);
            kept[index] = new Kept(
                metric.Keep(before, before, sample.Label),
                metric.Keep(after, before, sample.Label),
                [.. before.Zip(after, (expected, found) => Cosine.OfOutput(found, expected))],
                metric.IsOfClasses && IsClass(sample.Label) ? ClassScores.Label(sample.Label, before) : ClassScores.None,
                [.. before.Zip(after, (expected, found) => new Soundness(Finiteness.IsFinite(expected), Finiteness.IsUndefined(expected), Finiteness.IsLost(found, expected)))],
                Classifies(before[0], metric) && before[0].Length == after[0].Length ? (ClassScores.Predicted(before), ClassScores.Predicted(after)) : null);
            progress?.Report(Interlocked.Increment(ref done));
        }, cancellation);

        if (outputNames.Where((_, output) => Array.TrueForAll(kept, sample => sample.Soundness[output].IsUndefined)).FirstOrDefault() is { } undefined)
        {
            throw new UndefinedOutputException(undefined, kept.Length);
        }

        (Estimate first, Estimate second, Estimate drop) = PairedBootstrap.Run(
            kept.Length,
            metric.Scorer(Array.ConvertAll(kept, sample => sample.Original)),
            metric.Scorer(Array.ConvertAll(kept, sample => sample.Optimized)),
            metric.HigherIsBetter ? static (before, after) => before - after : static (before, after) => after - before,
            settings);
        double[] cosines = [.. outputNames.Select((_, output) => kept.Average(sample => sample.Cosines[output]))];
        int worst = Array.IndexOf(cosines, cosines.Min());
        bool classified = Array.TrueForAll(kept, sample => sample.Classes is not null);
        return new AccuracyResult
        {
            Metric = kind,
            HigherIsBetter = metric.HigherIsBetter,
            Samples = kept.Length,
            Labelled = dataset.HasLabels && kind is not (MetricKind.Cosine or MetricKind.SignalToNoise),
            Original = first,
            Optimized = second,
            Drop = double.IsFinite(drop.Value) ? drop : null,
            SmallestResolvableDrop = Math.Max(double.IsFinite(drop.Uncertainty) ? drop.Uncertainty : 0, metric.IsOfClasses ? RuleOfThree / kept.Length : 0),
            Agreement = classified ? kept.Average(sample => sample.Classes!.Value.Original == sample.Classes.Value.Optimized ? 1.0 : 0) : null,
            WorstCosine = cosines[worst],
            WorstOutput = outputNames[worst],
            NonFinite = [.. outputNames
                .Select((name, output) => new NonFiniteOutput(name, kept.Count(sample => !sample.Soundness[output].IsFinite), kept.Count(sample => sample.Soundness[output].IsLost)))
                .Where(output => output.Original + output.Lost > 0)],
            Classes = classified && Array.TrueForAll(kept, sample => sample.Label != ClassScores.None)
                ? ClassDrops.Of(kept.Select(sample => (sample.Label, sample.Classes!.Value.Original, sample.Classes.Value.Optimized)), settings.Confidence)
                : [],
        };
    }

    private static MetricKind Choose(Dataset dataset)
    {
        Tensor? label = dataset.HasLabels ? dataset.Take(1).Read().First().Label : null;
        return label is null ? MetricKind.Cosine : IsClass(label) ? MetricKind.Top1 : MetricKind.MeanSquaredError;
    }

    private static bool IsClass(Tensor? label) => label is { ElementType: ElementType.Int64, Length: 1 };

    /// <summary>Whether the output is a vector of scores; a single number is one only where a metric of classes says so.</summary>
    private static bool Classifies(Tensor output, Metric metric) =>
        output.Dimensions.Count(size => size != 1) <= 1 && (output.Length > 1 || metric.IsOfClasses);

    // Against the original, a detector may find nothing in a sample, or another number of things; labels need the same elements.
    private static void CheckShapes(IReadOnlyList<Tensor> before, IReadOnlyList<Tensor> after, IReadOnlyList<string> names, Metric metric)
    {
        if (before.Count != after.Count)
        {
            throw new MetricException($"The original has {before.Count} outputs, the optimized model has {after.Count}.");
        }

        for (int i = 0; i < before.Count; i++)
        {
            if (!metric.TakesAnySize && (before[i].Length != after[i].Length || before[i].Length == 0))
            {
                throw new MetricException($"Output '{names[i]}' is {before[i]} in the original and {after[i]} in the optimized model; they cannot be compared.");
            }
        }
    }

    /// <summary>Samples are read by whichever thread is free, one at a time, and numbered as they are read.</summary>
    private static void ForEachSample(Dataset dataset, int threads, Action<Sample, int> action, CancellationToken cancellation)
    {
        OrderablePartitioner<Sample> samples = Partitioner.Create(dataset.Read(), EnumerablePartitionerOptions.NoBuffering);
        try
        {
            Parallel.ForEach(
                samples, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, (sample, _, index) => action(sample, (int)index));
        }
        catch (AggregateException exception)
        {
            // The first fault is the one to tell; the others are its echoes on other threads.
            ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }
    }

    private sealed record Kept(double[] Original, double[] Optimized, double[] Cosines, int Label, Soundness[] Soundness, (int Original, int Optimized)? Classes);

    private readonly record struct Soundness(bool IsFinite, bool IsUndefined, bool IsLost);
}
