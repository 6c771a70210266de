using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// What measuring accuracy costs beside inference: the whole comparison of a model with itself, intervals and all, against a loop that reads the same samples and runs both models
/// on as many threads, and looks at no output. In turns; medians. Processor time tells the same where other programs take the cores.
/// </summary>
internal static class EvaluationSpeed
{
    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = "A part of the names of the models to measure.", DefaultValueFactory = _ => "" };
        Option<MetricKind> metric = new("--metric") { Description = "What accuracy means." };
        Option<int> rounds = new("--rounds") { Description = "Pairs of runs.", DefaultValueFactory = _ => 9 };
        Command command = new("evaluation-speed", "Accuracy evaluation against a bare inference loop over the same data.") { only, metric, rounds };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"{ProcessorName.Current}, {Environment.ProcessorCount} threads");
            Console.WriteLine("| model | samples | bare loop, ms | evaluation, ms | speed over the bare loop's | the same by processor time |");
            Console.WriteLine("|---|---|---|---|---|---|");
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => entry.Name.Contains(parsed.GetRequiredValue(only), StringComparison.Ordinal)))
            {
                Measure(entry, parsed.GetValue(metric), parsed.GetRequiredValue(rounds));
            }
        });
        return command;
    }

    private static void Measure(RealCase entry, MetricKind metric, int rounds)
    {
        using ModelSession original = ModelSession.Open(entry.Path);
        using ModelSession optimized = ModelSession.Open(entry.Path);
        Dataset dataset = entry.Data(original).Evaluation;
        List<(Cost Bare, Cost Whole)> pairs = [];
        for (int round = -1; round < rounds; round++)
        {
            Cost bare, whole;
            if (round % 2 == 0)
            {
                bare = CostOf(() => Loop(original, optimized, dataset));
                whole = CostOf(() => AccuracyComparison.Run(original, optimized, dataset, metric));
            }
            else
            {
                whole = CostOf(() => AccuracyComparison.Run(original, optimized, dataset, metric));
                bare = CostOf(() => Loop(original, optimized, dataset));
            }

            // The first pair compiles and fills caches.
            if (round >= 0)
            {
                pairs.Add((bare, whole));
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {entry.Name} | {dataset.Count:N0} | {Median(pairs.Select(pair => pair.Bare.Wall)):0.0} | {Median(pairs.Select(pair => pair.Whole.Wall)):0.0} | {Median(pairs.Select(pair => pair.Bare.Wall / pair.Whole.Wall)):0.000} | {Median(pairs.Select(pair => pair.Bare.Processor / pair.Whole.Processor)):0.000} |"));
    }

    /// <summary>Samples as <see cref="AccuracyComparison"/> reads them: by whichever thread is free, one at a time.</summary>
    private static void Loop(ModelSession original, ModelSession optimized, Dataset dataset) => Parallel.ForEach(
        Partitioner.Create(dataset.Read(), EnumerablePartitionerOptions.NoBuffering), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, sample =>
        {
            GC.KeepAlive(original.Run(sample.Inputs));
            GC.KeepAlive(optimized.Run(sample.Inputs));
        });

    private static Cost CostOf(Action action)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        action();
        return new Cost(Stopwatch.GetElapsedTime(start).TotalMilliseconds, (Environment.CpuUsage.TotalTime - before).TotalMilliseconds);
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

    /// <summary>Milliseconds by the clock, and of all cores.</summary>
    private readonly record struct Cost(double Wall, double Processor);
}
