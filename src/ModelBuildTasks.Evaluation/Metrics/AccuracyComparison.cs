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

    /// <summary>Reports of progress; more would take time and show nothing.</summary>
    private const int MostReports = 100;

    /// <param name="original">The model as it came.</param>
    /// <param name="optimized">Its optimized form, with the same inputs and outputs.</param>
    /// <param name="dataset">Samples made for the original's inputs.</param>
    /// <param name="metric">What to score by.</param>
    /// <param name="settings">Threads, resamples, confidence, seed.</param>
    /// <param name="progress">Told the number of samples done.</param>
    /// <param name="cancellation">Stops between samples.</param>
    /// <exception cref="MetricException">The metric does not apply to these labels or outputs.</exception>
    /// <exception cref="OptimizedModelException">The optimized model does not run on a sample, or gives outputs of another size than the original.</exception>
    /// <exception cref="UndefinedOutputException">An output of the original is undefined for every sample.</exception>
    /// <exception cref="DatasetException">A sample is damaged or does not fit.</exception>
    /// <exception cref="InferenceException">ONNX Runtime cannot run the original on a sample.</exception>
    public static AccuracyResult Run(
        ModelSession original, ModelSession optimized, Dataset dataset, MetricKind metric = MetricKind.Auto,
        AccuracySettings? settings = null, IProgress<int>? progress = null, CancellationToken cancellation = default) =>
        Run(original.Run, optimized.Run, [.. original.Outputs.Select(output => output.Name)], dataset, metric, settings ?? new AccuracySettings(), progress, cancellation);

    internal static AccuracyResult Run(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> original, Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> optimized, IReadOnlyList<string> outputNames,
        Dataset dataset, MetricKind kind, AccuracySettings settings, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        kind = kind == MetricKind.Auto ? Choose(dataset) : kind;
        Metric metric = Metric.Create(kind, dataset.Scoring, outputNames);
        Kept[] kept = new Kept[dataset.Count];
        int done = 0;
        // An artifact without its original is scored by itself.
        bool isOne = original == optimized;
        int step = Math.Max(1, kept.Length / MostReports);
        ForEachSample(dataset, settings.Threads, (sample, index) =>
        {
            IReadOnlyList<Tensor> before = original(sample.Inputs);
            IReadOnlyList<Tensor> after = isOne ? before : RunOptimized(optimized, sample.Inputs);
            CheckShapes(before, after, outputNames, metric);
            kept[index] = Keep(metric, sample, before, after);
            int count = Interlocked.Increment(ref done);
            if (count % step == 0 || count == kept.Length)
            {
                progress?.Report(count);
            }
        }, cancellation);

        if (outputNames.Where((_, output) => Array.TrueForAll(kept, sample => sample.Outputs[output].IsUndefined)).FirstOrDefault() is { } undefined)
        {
            throw new UndefinedOutputException(undefined, kept.Length);
        }

        AccuracyIntervals scores = AccuracyIntervals.Of(metric, Array.ConvertAll(kept, sample => sample.Original), Array.ConvertAll(kept, sample => sample.Optimized), settings);
        double[] cosines = [.. outputNames.Select((_, output) => kept.Average(sample => sample.Outputs[output].Cosine))];
        int worst = Array.IndexOf(cosines, cosines.Min());
        GroupedAnswer[] answers = Array.TrueForAll(kept, sample => sample.Answer is not null) ? Array.ConvertAll(kept, sample => sample.Answer!.Value) : [];
        bool labelled = answers.Length > 0 && Array.TrueForAll(answers, answer => answer.Label != ClassScores.None);
        (IReadOnlyList<ClassDrop> classes, IReadOnlyList<SliceDrop> slices) = GroupDrops.Of(labelled ? answers : [], dataset.Scoring.ClassNames, settings.Confidence);
        return new AccuracyResult
        {
            Metric = kind,
            HigherIsBetter = metric.HigherIsBetter,
            Samples = kept.Length,
            Labelled = dataset.HasLabels && !metric.IsAgainstOriginal,
            Original = scores.Original,
            Optimized = scores.Optimized,
            Drop = double.IsFinite(scores.Original.Value) ? scores.Drop : null,
            SmallestResolvableDrop = Math.Max(double.IsFinite(scores.Resolution) ? scores.Resolution : 0, metric.IsOfClasses ? RuleOfThree / kept.Length : 0),
            Agreement = answers.Length > 0 ? answers.Average(answer => answer.Original == answer.Optimized ? 1.0 : 0) : null,
            WorstCosine = cosines[worst],
            WorstOutput = outputNames[worst],
            NonFinite = [.. outputNames
                .Select((name, output) => new NonFiniteOutput(name, kept.Count(sample => !sample.Outputs[output].IsFinite), kept.Count(sample => sample.Outputs[output].IsLost)))
                .Where(output => output.Original + output.Lost > 0)],
            Classes = classes,
            Slices = slices,
            Answers = labelled ? PairedAnswers(kind, kept, answers) : null,
            Confusion = labelled ? Confusion.Of(answers, dataset.Scoring.ClassNames) : null,
        };
    }

    private static IReadOnlyList<Tensor> RunOptimized(Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> optimized, IReadOnlyList<Tensor> inputs)
    {
        try
        {
            return optimized(inputs);
        }
        catch (InferenceException fault)
        {
            throw new OptimizedModelException($"ONNX Runtime cannot run it on a sample: {fault.Message}", fault);
        }
    }

    private static Kept Keep(Metric metric, Sample sample, IReadOnlyList<Tensor> before, IReadOnlyList<Tensor> after)
    {
        ComparedOutput[] outputs = new ComparedOutput[before.Count];
        for (int i = 0; i < outputs.Length; i++)
        {
            (double cosine, bool isFinite) = Cosine.OfOutput(after[i], before[i]);
            outputs[i] = isFinite
                ? new ComparedOutput(cosine, IsFinite: true, IsUndefined: false, IsLost: false)
                : new ComparedOutput(cosine, Finiteness.IsFinite(before[i]), Finiteness.IsUndefined(before[i]), Finiteness.IsLost(after[i], before[i]));
        }

        GroupedAnswer? answer = Classifies(before[0], metric) && before[0].Length == after[0].Length
            ? new GroupedAnswer(
                metric.IsOfClasses && !metric.IsAgainstOriginal ? ClassScores.Label(sample.Label, before) : ClassScores.None,
                sample.Slice, ClassScores.Predicted(before), ClassScores.Predicted(after))
            : null;
        (double[] original, double[] optimized) = metric.Keep(before, after, sample.Label, outputs);
        return new Kept(original, optimized, outputs, answer);
    }

    /// <summary>Of a metric of shares, by what it calls right; of others, by the predicted class.</summary>
    private static McNemar PairedAnswers(MetricKind kind, Kept[] kept, GroupedAnswer[] answers)
    {
        (bool Before, bool After)[] right = kind == MetricKind.Top5
            ? Array.ConvertAll(kept, sample => (sample.Original[0] == 1, sample.Optimized[0] == 1))
            : Array.ConvertAll(answers, answer => (answer.Original == answer.Label, answer.Optimized == answer.Label));
        return McNemar.Test(right.Count(sample => sample.Before && !sample.After), right.Count(sample => !sample.Before && sample.After));
    }

    private static MetricKind Choose(Dataset dataset)
    {
        if (dataset.Scoring.Detection is not null || dataset.Scoring.Segmentation is not null)
        {
            return dataset.Scoring.Detection is not null ? MetricKind.MeanAveragePrecision : MetricKind.IntersectionOverUnion;
        }

        return !dataset.HasLabels ? MetricKind.Cosine : dataset.Take(1).Read().First().HasClass ? MetricKind.Top1 : MetricKind.MeanSquaredError;
    }

    /// <summary>Whether the output is a vector of scores; a single number is one only where a metric of classes says so.</summary>
    private static bool Classifies(Tensor output, Metric metric) =>
        ClassScores.IsVector(output) && (output.Length > 1 || (output.Length == 1 && metric.IsOfClasses));

    // Against the original, a detector may find nothing in a sample, or another number of things; labels need the same elements.
    private static void CheckShapes(IReadOnlyList<Tensor> before, IReadOnlyList<Tensor> after, IReadOnlyList<string> names, Metric metric)
    {
        if (before.Count != after.Count)
        {
            throw new OptimizedModelException($"it gives {after.Count} outputs instead of {before.Count}");
        }

        for (int i = 0; i < before.Count; i++)
        {
            if (metric.TakesAnySize)
            {
                continue;
            }

            if (before[i].Length != after[i].Length)
            {
                throw new OptimizedModelException($"output '{names[i]}' has the shape {after[i]} instead of {before[i]}");
            }

            if (before[i].Length == 0)
            {
                throw new MetricException($"Output '{names[i]}' is {before[i]} for a sample: there is nothing to compare.");
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

    private sealed record Kept(double[] Original, double[] Optimized, ComparedOutput[] Outputs, GroupedAnswer? Answer);
}
