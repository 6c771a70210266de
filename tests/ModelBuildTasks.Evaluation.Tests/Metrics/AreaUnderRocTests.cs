using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

/// <summary>Against the definition over all pairs, where it matters what scores are: probabilities are ranked as they are, logits once they are comparable.</summary>
[TestClass]
public sealed class AreaUnderRocTests
{
    private const double Tolerance = 1e-12;

    [TestMethod]
    [DataRow(3)]
    [DataRow(12)]
    [DataRow(35)]
    [DataRow(100)]
    public void Probabilities_rounded_to_8_bits_are_ranked_as_they_are_however_they_sum(int classes)
    {
        int[] labels = Labels(400, classes, seed: 1);
        float[][] probabilities = [.. Logits(labels, classes, seed: 1).Select(row => Softmax(row).Select(value => (float)value).ToArray())];
        float[][] rounded = [.. probabilities.Select(row => row.Select(value => Math.Min(MathF.Round(value * 256), 255) / 256).ToArray())];

        Assert.AreEqual(Plain(labels, rounded, classes), Score(labels, rounded, probabilities), Tolerance);
        Assert.AreEqual(Plain(labels, rounded, classes), Score(labels, rounded, rounded), Tolerance);
        Assert.AreEqual(Plain(labels, probabilities, classes), Score(labels, probabilities, probabilities), Tolerance);
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(3)]
    public void Logits_are_made_comparable_for_every_sample_though_some_look_like_probabilities(int classes)
    {
        int alike = 0;
        for (int seed = 0; seed < 30; seed++)
        {
            int[] labels = Labels(200, classes, seed);
            float[][] logits = Logits(labels, classes, seed);
            alike += logits.Count(row => row.Min() >= 0 && Math.Abs(row.Sum() - 1) < 0.01f);
            double[][] comparable = [.. logits.Select(row => classes == 2 ? [row[0] - (double)row[1], row[1] - (double)row[0]] : Softmax(row).Select(value => Math.Log(value)).ToArray())];

            Assert.AreEqual(Plain(labels, comparable, classes), Score(labels, logits, logits), Tolerance, $"seed {seed}");
        }

        Assert.AreNotEqual(0, alike, "no sample of these logits looks like probabilities.");
    }

    [TestMethod]
    public void Of_two_independent_probabilities_that_of_class_1_is_ranked()
    {
        int[] labels = Labels(300, 2, seed: 4);
        float[][] sigmoids = [.. Logits(labels, 2, seed: 4).Select(row => row.Select(value => MathF.Round(100 / (1 + MathF.Exp(-value))) / 100).ToArray())];

        Assert.AreEqual(Plain(labels, sigmoids, classes: 2, only: 1), Score(labels, sigmoids, sigmoids), Tolerance);
    }

    [TestMethod]
    public void Probabilities_that_pass_1_by_rounding_are_probabilities()
    {
        int[] labels = Labels(200, 3, seed: 6);
        float[][] probabilities = [.. Logits(labels, 3, seed: 6).Select(row => Softmax(row).Select(value => (float)value).ToArray())];
        float[][] rounded = [[1.0000001f, -1e-9f, 0], .. probabilities[1..]];

        Assert.AreEqual(Plain(labels, rounded, 3), Score(labels, rounded, rounded), Tolerance);
    }

    [TestMethod]
    public void What_the_original_gives_decides_for_both_models()
    {
        int[] labels = Labels(200, 3, seed: 6);
        float[][] logits = Logits(labels, 3, seed: 6);
        float[][] probabilities = [.. logits.Select(row => Softmax(row).Select(value => (float)value).ToArray())];
        float[][] overshooting = [.. probabilities.Select(row => row.Select(value => value * 1.25f - 0.1f).ToArray())];
        double[][] comparable = [.. probabilities.Select(row => Softmax(row).Select(value => Math.Log(value)).ToArray())];

        Assert.AreEqual(Plain(labels, overshooting, 3), Score(labels, overshooting, probabilities), Tolerance);
        Assert.AreEqual(Plain(labels, comparable, 3), Score(labels, probabilities, logits), Tolerance);
    }

    private static int[] Labels(int count, int classes, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(classes))];
    }

    /// <summary>Normal numbers, larger by 2 for the label.</summary>
    private static float[][] Logits(int[] labels, int classes, int seed)
    {
        Random random = new(seed + 1000);
        return [.. labels.Select(label => Enumerable.Range(0, classes)
            .Select(index => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()) + (index == label ? 2 : 0))).ToArray())];
    }

    private static double[] Softmax(float[] logits)
    {
        double total = logits.Sum(value => Math.Exp(value));
        return [.. logits.Select(value => Math.Exp(value) / total)];
    }

    private static double Plain(int[] labels, float[][] scores, int classes, int? only = null) =>
        Plain(labels, Array.ConvertAll(scores, row => Array.ConvertAll(row, value => (double)value)), classes, only);

    /// <summary>Mean over the classes that occur of the share of pairs in which the sample of the class scores higher for it, of equals half.</summary>
    private static double Plain(int[] labels, double[][] scores, int classes, int? only = null) =>
        Enumerable.Range(0, classes).Where(index => only is null ? labels.Contains(index) : index == only).Average(index => labels.Index().Where(positive => positive.Item == index)
            .SelectMany(_ => labels.Index().Where(negative => negative.Item != index), (positive, negative) => (scores[positive.Index][index], scores[negative.Index][index]))
            .Average(pair => pair.Item1 == pair.Item2 ? 0.5 : pair.Item1 > pair.Item2 ? 1 : 0));

    private static double Score(int[] labels, float[][] scores, float[][] original)
    {
        Metric metric = Metric.Create(MetricKind.AreaUnderRoc, Scoring.Unstated, ["scores"]);
        double[][] kept = [.. labels.Select((label, i) => metric.Keep([Tensor.Vector(scores[i])], [Tensor.Vector(original[i])], Tensor.Scalar((long)label)))];
        return metric.Scorer(kept)([.. labels.Select(_ => 1)]);
    }
}
