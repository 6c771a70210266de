using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

/// <summary>Each metric on random data against its definition, written down plainly.</summary>
[TestClass]
public sealed class MetricReferenceTests
{
    private const double Tolerance = 1e-9;
    private const int Classes = 7;
    private static readonly (int Label, float[] Scores, float[] Reference)[] Samples = Draw(400, Classes, steps: 8);

    [TestMethod]
    [DataRow(MetricKind.Top1, 1)]
    [DataRow(MetricKind.Top5, 5)]
    public void Top_places_with_ties(MetricKind kind, int places) =>
        Agree(Samples.Count(sample => sample.Scores.Index().OrderByDescending(score => score.Item).Take(places).Any(score => score.Index == sample.Label)) / (double)Samples.Length, kind);

    [TestMethod]
    public void Agreement() => Agree(Samples.Count(sample => Best(sample.Scores) == Best(sample.Reference)) / (double)Samples.Length, MetricKind.Agreement);

    [TestMethod]
    [DataRow(MetricKind.Precision)]
    [DataRow(MetricKind.Recall)]
    [DataRow(MetricKind.F1)]
    public void Precision_recall_and_F1_in_each_average(MetricKind kind)
    {
        (double Right, double Spurious, double Missed)[] counts = [.. Enumerable.Range(0, Classes).Select(index => (
            (double)Samples.Count(sample => sample.Label == index && Best(sample.Scores) == index),
            (double)Samples.Count(sample => sample.Label != index && Best(sample.Scores) == index),
            (double)Samples.Count(sample => sample.Label == index && Best(sample.Scores) != index)))];

        Agree(counts.Average(Of), kind);
        Agree(Of(counts[3]), kind, new Scoring { Average = Averaging.Binary, Positive = 3 });
        Agree(Of((counts.Sum(count => count.Right), counts.Sum(count => count.Spurious), counts.Sum(count => count.Missed))), kind, new Scoring { Average = Averaging.Micro });

        double Of((double Right, double Spurious, double Missed) count) => kind switch
        {
            MetricKind.Precision => count.Right / (count.Right + count.Spurious),
            MetricKind.Recall => count.Right / (count.Right + count.Missed),
            _ => 2 * count.Right / (2 * count.Right + count.Spurious + count.Missed),
        };
    }

    [TestMethod]
    public void Area_under_roc_with_ties_of_one_score_or_two()
    {
        (int Label, float[] Scores, float[] Reference)[] one = Draw(300, 1, steps: 10);
        (int Label, float[] Scores, float[] Reference)[] two = [.. one.Select(sample => (sample.Label, (float[])[1 - sample.Scores[0], sample.Scores[0]], (float[])[1, 0]))];
        double expected = Ordered(i => one[i].Scores[0], i => one[i].Label == 1, one.Length);

        Assert.AreEqual(expected, Score(MetricKind.AreaUnderRoc, Scoring.Unstated, one), Tolerance);
        Assert.AreEqual(expected, Score(MetricKind.AreaUnderRoc, Scoring.Unstated, two), Tolerance);
    }

    [TestMethod]
    public void Errors_against_labels_and_against_the_original()
    {
        float[][] expected = [.. Samples.Select(sample => sample.Reference)];
        double Mean(Func<double, double> error) => Samples.Average(sample => sample.Scores.Zip(sample.Reference, (found, wanted) => error((double)found - wanted)).Average());

        Agree(Mean(difference => difference * difference), MetricKind.MeanSquaredError, labels: i => Tensor.Vector(expected[i]));
        Agree(Mean(Math.Abs), MetricKind.MeanAbsoluteError, labels: i => Tensor.Vector(expected[i]));
        Agree(Mean(Math.Abs), MetricKind.MeanAbsoluteError, labels: _ => null);
    }

    [TestMethod]
    public void Cosine_is_exact_where_single_precision_would_not_be()
    {
        // Numbers whose products single precision cannot sum: the last digits of 100,003 terms around 1000.
        Random random = new(3);
        float[] left = [.. Enumerable.Range(0, 100_003).Select(_ => 1000 + (float)random.NextDouble())];
        float[] right = [.. left.Select(value => value + (float)random.NextDouble())];

        Assert.AreEqual(Similarity(left, right), Cosine.OfOutput(Tensor.Vector(right), Tensor.Vector(left)).Similarity, 1e-12);
    }

    [TestMethod]
    [DataRow(new long[] { 1, 5, 7, 9 }, 5, 63)]
    [DataRow(new long[] { 1, 200, 4 }, 4, 1)]
    [DataRow(new long[] { 2, 3, 50 }, 3, 50)]
    public void Cosine_of_channels_is_their_mean(long[] shape, int channels, int inner)
    {
        Random random = new(5);
        float[] left = [.. Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b)).Select(_ => (float)random.NextDouble() - 0.3f)];
        float[] right = [.. left.Select(value => value + (float)random.NextDouble() / 2)];
        double expected = Enumerable.Range(0, channels).Average(channel => Similarity(Of(left, channel), Of(right, channel)));

        Assert.AreEqual(expected, Cosine.OfOutput(Tensor.Create(shape, right), Tensor.Create(shape, left)).Similarity, Tolerance);

        float[] Of(float[] values, int channel) => [.. values.Where((_, i) => i / inner % channels == channel)];
    }

    [TestMethod]
    public void Signal_to_noise() =>
        Agree(
            10 * Math.Log10(Samples.Sum(sample => sample.Reference.Sum(value => (double)value * value))
                / Samples.Sum(sample => sample.Scores.Zip(sample.Reference, (found, wanted) => Math.Pow((double)found - wanted, 2)).Sum())),
            MetricKind.SignalToNoise);

    [TestMethod]
    [DataRow(MetricKind.Top1)]
    [DataRow(MetricKind.Top5)]
    [DataRow(MetricKind.F1)]
    [DataRow(MetricKind.AreaUnderRoc)]
    [DataRow(MetricKind.MeanSquaredError)]
    [DataRow(MetricKind.Agreement)]
    [DataRow(MetricKind.Cosine)]
    [DataRow(MetricKind.SignalToNoise)]
    public void A_sample_that_counts_twice_is_a_sample_that_is_there_twice(MetricKind kind)
    {
        Random random = new(11);
        int[] weights = [.. Samples.Select(_ => random.Next(3))];
        Metric metric = Metric.Create(kind, Scoring.Unstated, ["scores"]);
        double[][] kept = [.. Samples.Select(sample => metric.Keep([Row(sample.Scores)], [Row(sample.Reference)], kind == MetricKind.MeanSquaredError ? null : Tensor.Scalar((long)sample.Label)))];
        double[][] repeated = [.. kept.SelectMany((sample, i) => Enumerable.Repeat(sample, weights[i]))];

        Assert.AreEqual(metric.Scorer(repeated)([.. repeated.Select(_ => 1)]), metric.Scorer(kept)(weights), Tolerance);
    }

    /// <summary>The share of pairs of a positive and a negative in which the positive scores higher, of equals half.</summary>
    private static double Ordered(Func<int, double> score, Func<int, bool> isPositive, int count)
    {
        (double won, double pairs) = (0, 0);
        for (int positive = 0; positive < count; positive++)
        {
            for (int negative = 0; negative < count; negative++)
            {
                if (isPositive(positive) && !isPositive(negative))
                {
                    pairs++;
                    won += score(positive) == score(negative) ? 0.5 : score(positive) > score(negative) ? 1 : 0;
                }
            }
        }

        return won / pairs;
    }

    private static double Similarity(float[] left, float[] right)
    {
        decimal Sum(float[] a, float[] b) => a.Zip(b, (x, y) => (decimal)(double)x * (decimal)(double)y).Sum();
        return (double)Sum(left, right) / (Math.Sqrt((double)Sum(left, left)) * Math.Sqrt((double)Sum(right, right)));
    }

    private static int Best(float[] scores) => Array.IndexOf(scores, scores.Max());

    private static void Agree(double expected, MetricKind kind, Scoring? scoring = null, Func<int, Tensor?>? labels = null) =>
        Assert.AreEqual(expected, Score(kind, scoring ?? Scoring.Unstated, Samples, labels), Tolerance);

    private static double Score(MetricKind kind, Scoring scoring, (int Label, float[] Scores, float[] Reference)[] samples, Func<int, Tensor?>? labels = null)
    {
        Metric metric = Metric.Create(kind, scoring, ["scores"]);
        double[][] kept = [.. samples.Select((sample, i) => metric.Keep([Row(sample.Scores)], [Row(sample.Reference)], labels is null ? Tensor.Scalar((long)sample.Label) : labels(i)))];
        return metric.Scorer(kept)([.. samples.Select(_ => 1)]);
    }

    private static Tensor Row(float[] values) => Tensor.Create([1, values.Length], values);

    /// <summary>Scores in few steps, so that many are equal, that know something of the label.</summary>
    private static (int Label, float[] Scores, float[] Reference)[] Draw(int count, int columns, int steps)
    {
        Random random = new(1);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            int label = random.Next(Math.Max(2, columns));
            float[] Scores() => [.. Enumerable.Range(0, columns).Select(column => (random.Next(steps) + (columns == 1 ? 3 * label : column == label ? 2 : 0)) / (float)(steps + 4))];
            return (label, Scores(), Scores());
        })];
    }
}
