using System.CommandLine;
using System.Globalization;
using MathNet.Numerics.Distributions;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Benchmarks;

/// <summary>How often the interval of the accuracy drop holds the true drop: data sets are drawn from distributions whose drop is known, and each is judged as a build would.</summary>
internal static class IntervalCoverage
{
    internal static Command Command()
    {
        Option<int> trials = new("--data-sets") { Description = "Data sets drawn of each kind and size.", DefaultValueFactory = _ => 1000 };
        Option<int[]> sizes = new("--samples") { Description = "Samples of a data set.", DefaultValueFactory = _ => [100, 300, 1000, 3000], AllowMultipleArgumentsPerToken = true };
        Command command = new("coverage", "The share of data sets whose interval of the accuracy drop holds the true drop.") { trials, sizes };
        command.SetAction(parsed =>
        {
            Console.WriteLine("Share of intervals that hold the true drop (that lie above it / below it; mean width):");
            Console.WriteLine($"| metric | true drop | {string.Join(" | ", parsed.GetRequiredValue(sizes).Select(size => $"{size:N0} samples"))} |");
            Console.WriteLine($"|---|---|{string.Concat(parsed.GetRequiredValue(sizes).Select(_ => "---|"))}");
            foreach (Population population in Populations())
            {
                IEnumerable<string> cells = parsed.GetRequiredValue(sizes).Select(size => Cover(population, size, parsed.GetRequiredValue(trials)));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {population.Name} | {population.Drop:0.0000} | {string.Join(" | ", cells)} |"));
            }
        });
        return command;
    }

    /// <summary>The share of intervals that hold the truth, of those that lie above it and of those that lie below, and their mean width.</summary>
    private static string Cover(Population population, int samples, int trials)
    {
        (int held, int above, int below) = (0, 0, 0);
        double width = 0;
        Lock gate = new();
        Parallel.For(0, trials, trial =>
        {
            Random random = new(trial);
            (double[] Original, double[] Optimized)[] drawn = [.. Enumerable.Range(0, samples).Select(_ => population.Draw(random))];
            Metric metric = Metric.Create(population.Kind, Scoring.Unstated, ["scores"]);
            Estimate drop = AccuracyIntervals.Of(
                metric, Array.ConvertAll(drawn, sample => sample.Original), Array.ConvertAll(drawn, sample => sample.Optimized), new AccuracySettings(Threads: 1, Seed: trial)).Drop;
            lock (gate)
            {
                held += drop.Low <= population.Drop && population.Drop <= drop.High ? 1 : 0;
                above += drop.Low > population.Drop ? 1 : 0;
                below += drop.High < population.Drop ? 1 : 0;
                width += (drop.High - drop.Low) / trials;
            }
        });
        return string.Create(CultureInfo.InvariantCulture, $"{100.0 * held / trials:0.0} % ({100.0 * above / trials:0.0} / {100.0 * below / trials:0.0}; {width:G2})");
    }

    private static IEnumerable<Population> Populations()
    {
        yield return Answers("Top1, drop of 1 point", lost: 0.015, won: 0.005);
        yield return Answers("Top1, drop of 4 points", lost: 0.06, won: 0.02);
        yield return Answers("Top1, no drop", lost: 0.02, won: 0.02);
        yield return Classes();
        yield return Ranked();
        yield return new Population("MeanSquaredError, normal errors", MetricKind.MeanSquaredError, 0.3 * 0.3, random =>
        {
            double error = Normal.Sample(random, 0, 1);
            double noisy = error + Normal.Sample(random, 0, 0.3);
            return ([error * error], [noisy * noisy]);
        });
        // The noise of a sample has a size of its own, as where some inputs lie outside the calibrated ranges: E[s²·η²] with s exponential of mean 0.2.
        yield return new Population("MeanSquaredError, skewed", MetricKind.MeanSquaredError, 2 * 0.2 * 0.2, random =>
        {
            double error = Normal.Sample(random, 0, 1);
            double noisy = error + Exponential.Sample(random, 1 / 0.2) * Normal.Sample(random, 0, 1);
            return ([error * error], [noisy * noisy]);
        });
        yield return new Population("Cosine, skewed", MetricKind.Cosine, 0.002, random => ([1], [1 - Gamma.Sample(random, 2, 1000)]));
    }

    /// <summary>One model right with 0.9, the other wins and loses given shares of all samples.</summary>
    private static Population Answers(string name, double lost, double won) => new(name, MetricKind.Top1, lost - won, random =>
    {
        double place = random.NextDouble();
        return place < lost ? ([1.0], [0.0]) : place < lost + won ? ([0.0], [1.0]) : place < 0.9 ? ([1.0], [1.0]) : ([0.0], [0.0]);
    });

    /// <summary>Six classes of unequal frequency; the optimized model answers as the original but for one sample in ten, for which it draws anew.</summary>
    private static Population Classes()
    {
        double[] frequency = [0.35, 0.25, 0.2, 0.1, 0.06, 0.04];
        const double Right = 0.85, Kept = 0.9, RightAnew = 0.55;
        int Answer(int label, double right, Random random) => random.NextDouble() < right ? label : (label + 1 + random.Next(frequency.Length - 1)) % frequency.Length;
        double Score(double right) => frequency.Average(share => 2 * share * right / (share + share * right + (1 - share) * (1 - right) / (frequency.Length - 1)));
        return new Population("F1, macro, 6 classes", MetricKind.F1, Score(Right) - Score(Kept * Right + (1 - Kept) * RightAnew), random =>
        {
            int label = Categorical.Sample(random, frequency);
            int before = Answer(label, Right, random);
            int after = random.NextDouble() < Kept ? before : Answer(label, RightAnew, random);
            return ([label, before, 0], [label, after, 0]);
        });
    }

    /// <summary>Normal scores of two classes; the optimized model's are blurred.</summary>
    private static Population Ranked()
    {
        const double Distance = 1.8, Blur = 0.5, Positives = 0.3;
        double Area(double variance) => Normal.CDF(0, 1, Distance / Math.Sqrt(2 * variance));
        return new Population("AreaUnderRoc, 3 of 10 positive", MetricKind.AreaUnderRoc, Area(1) - Area(1 + Blur * Blur), random =>
        {
            int label = random.NextDouble() < Positives ? 1 : 0;
            double score = Normal.Sample(random, label * Distance, 1);
            return ([label, score], [label, score + Normal.Sample(random, 0, Blur)]);
        });
    }

    /// <param name="Name">What is drawn.</param>
    /// <param name="Kind">The metric.</param>
    /// <param name="Drop">The true drop.</param>
    /// <param name="Draw">A sample, as the metric keeps it of each model.</param>
    private sealed record Population(string Name, MetricKind Kind, double Drop, Func<Random, (double[] Original, double[] Optimized)> Draw);
}
