using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class MeanAveragePrecisionTests
{
    private static readonly Detection Rows = new() { Boxes = "rows", Overlap = 0.5 };

    [TestMethod]
    public void What_is_found_at_once_scores_1() =>
        Assert.AreEqual(1, Score(Rows, Sample([0, 0, 10, 10, .9f, 0], [0, 0, 10, 10, 0])), 1e-12);

    [TestMethod]
    public void Precision_at_a_recall_is_the_best_at_that_recall_or_above()
    {
        // Right, wrong, right of three objects: precision 1 up to recall 1/3 (34 of 101 recalls), 2/3 up to 2/3 (33 more), 0 beyond.
        double score = Score(
            Rows,
            Sample([0, 0, 10, 10, .9f, 0, 50, 50, 60, 60, .8f, 0, 20, 20, 30, 30, .7f, 0], [0, 0, 10, 10, 0, 20, 20, 30, 30, 0, 80, 80, 90, 90, 0]));

        Assert.AreEqual((34 * 1 + 33 * 2 / 3.0) / 101, score, 1e-12);
    }

    [TestMethod]
    public void A_box_counts_up_to_the_overlap_that_it_has()
    {
        // 7 of 10: right at 0.50, 0.55, 0.60, 0.65 and 0.70, of ten overlaps.
        Assert.AreEqual(0.5, Score(Rows with { Overlap = null }, Sample([0, 0, 10, 7, .9f, 0], [0, 0, 10, 10, 0])), 1e-12);
        Assert.AreEqual(0, Score(Rows with { Overlap = 0.75 }, Sample([0, 0, 10, 7, .9f, 0], [0, 0, 10, 10, 0])));
    }

    [TestMethod]
    public void An_object_is_found_once()
    {
        // The second box over the same object is wrong, and the third finds the other object: 1 up to half the recalls (51), then 2/3.
        double score = Score(Rows, Sample([0, 0, 10, 10, .9f, 0, 0, 0, 10, 9, .8f, 0, 20, 20, 30, 30, .7f, 0], [0, 0, 10, 10, 0, 20, 20, 30, 30, 0]));

        Assert.AreEqual((51 + 50 * 2 / 3.0) / 101, score, 1e-12);
    }

    [TestMethod]
    public void Classes_count_the_same_and_those_without_objects_not_at_all() =>
        Assert.AreEqual(0.5, Score(Rows, Sample([0, 0, 10, 10, .9f, 0, 0, 0, 10, 10, .9f, 5], [0, 0, 10, 10, 0, 40, 40, 50, 50, 1])), 1e-12);

    [TestMethod]
    public void A_sample_may_hold_nothing()
    {
        (float[] Rows, float[] Objects)[] samples = [Sample([0, 0, 10, 10, .9f, 0], []), Sample([0, 0, 10, 10, .8f, 0], [0, 0, 10, 10, 0]), Sample([], [])];

        // The wrong one scores higher: precision 1/2 at every recall.
        Assert.AreEqual(0.5, Score(Rows, samples), 1e-12);
    }

    [TestMethod]
    public void Data_without_any_object_leaves_nothing_to_find() =>
        Assert.Contains("no object", Assert.ThrowsExactly<MetricException>(() => Score(Rows, Sample([0, 0, 10, 10, .9f, 0], []))).Message);

    [TestMethod]
    public void Undeclared_objects_are_an_error() =>
        Assert.Contains("\"detection\"", Assert.ThrowsExactly<MetricException>(() => Metric.Create(MetricKind.MeanAveragePrecision, Scoring.Unstated, ["rows"])).Message);

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    public void Random_boxes_agree_with_the_definition(int seed)
    {
        Random random = new(seed);
        (float[] Rows, float[] Objects)[] samples = [.. Enumerable.Range(0, 25).Select(_ =>
        {
            float[][] objects = [.. Enumerable.Range(0, random.Next(5)).Select(_ => Corners(random).Append(random.Next(3)).ToArray())];
            float[][] found = [.. objects.Where(_ => random.Next(5) > 0).Select(item => Shaken(item, random)), .. Enumerable.Range(0, random.Next(3)).Select(_ => Shaken([.. Corners(random), random.Next(3)], random))];
            return (found.SelectMany(row => row).ToArray(), objects.SelectMany(row => row).ToArray());
        })];
        int[] weights = [.. samples.Select(_ => random.Next(3))];
        Metric metric = Create(Rows with { Overlap = null });
        double[][] kept = [.. samples.Select(sample => Keep(metric, sample))];

        Assert.AreEqual(Plain([.. samples.SelectMany((sample, i) => Enumerable.Repeat(sample, weights[i]))]), metric.Scorer(kept)(weights), 1e-9);
    }

    /// <summary>The definition, over every class, overlap and recall, with precision as a maximum over all shorter lists.</summary>
    private static double Plain((float[] Rows, float[] Objects)[] samples)
    {
        List<double> averages = [];
        foreach (float index in samples.SelectMany(sample => sample.Objects.Chunk(5)).Select(item => item[4]).Distinct())
        {
            int total = samples.Sum(sample => sample.Objects.Chunk(5).Count(item => item[4] == index));
            foreach (decimal overlap in Enumerable.Range(0, 10).Select(i => 0.5m + 0.05m * i))
            {
                List<(float Score, bool Right)> detections = [];
                foreach ((float[] rows, float[] objects) in samples)
                {
                    List<float[]> free = [.. objects.Chunk(5).Where(item => item[4] == index)];
                    foreach (float[] row in rows.Chunk(6).Where(row => row[5] == index).OrderByDescending(row => row[4]))
                    {
                        float[]? match = free.Where(item => Overlap(row, item) >= (double)overlap).MaxBy(item => Overlap(row, item));
                        detections.Add((row[4], match is not null));
                        free.Remove(match!);
                    }
                }

                bool[] ranked = [.. detections.OrderByDescending(detection => detection.Score).Select(detection => detection.Right)];
                averages.Add(Enumerable.Range(0, 101).Average(recall => Enumerable.Range(1, ranked.Length)
                    .Where(length => 100 * ranked.Take(length).Count(right => right) >= recall * total)
                    .Select(length => ranked.Take(length).Count(right => right) / (double)length).DefaultIfEmpty(0).Max()));
            }
        }

        return averages.Average();
    }

    private static double Overlap(float[] a, float[] b)
    {
        double width = Math.Min((double)a[2], b[2]) - Math.Max(a[0], b[0]);
        double height = Math.Min((double)a[3], b[3]) - Math.Max(a[1], b[1]);
        double both = width > 0 && height > 0 ? width * height : 0;
        return both / (((double)a[2] - a[0]) * ((double)a[3] - a[1]) + ((double)b[2] - b[0]) * ((double)b[3] - b[1]) - both);
    }

    private static float[] Corners(Random random)
    {
        (float left, float top) = (random.NextSingle() * 80, random.NextSingle() * 80);
        return [left, top, left + 5 + random.NextSingle() * 20, top + 5 + random.NextSingle() * 20];
    }

    private static float[] Shaken(float[] item, Random random) =>
        [.. item.Take(4).Select(value => value + random.NextSingle() * 3 - 1.5f), random.NextSingle(), random.Next(10) == 0 ? random.Next(3) : item[4]];

    private static (float[] Rows, float[] Objects) Sample(float[] rows, float[] objects) => (rows, objects);

    private static double Score(Detection detection, params (float[] Rows, float[] Objects)[] samples)
    {
        Metric metric = Create(detection);
        return metric.Scorer([.. samples.Select(sample => Keep(metric, sample))])([.. samples.Select(_ => 1)]);
    }

    private static double[] Keep(Metric metric, (float[] Rows, float[] Objects) sample) =>
        metric.Keep([Tensor.Create([1, sample.Rows.Length / 6, 6], sample.Rows)], [], Tensor.Create([sample.Objects.Length / 5, 5], sample.Objects));

    private static Metric Create(Detection detection) => Metric.Create(MetricKind.MeanAveragePrecision, new Scoring { Detection = detection }, ["rows"]);
}
