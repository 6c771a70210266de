using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class IntersectionOverUnionTests
{
    [TestMethod]
    public void The_score_is_the_mean_over_classes_of_common_places_over_all()
    {
        // Class 0: places 0, 1 of label and 0, 1, 2 of mask, 2 of 3. Class 1: 2, 3 and 3, 1 of 2. Class 2: 4, 5 in both.
        double score = Score(Scoring.Unstated, (Tensor.Create([1, 6], new long[] { 0, 0, 0, 1, 2, 2 }), Tensor.Vector(0f, 0, 1, 1, 2, 2)));

        Assert.AreEqual((2 / 3.0 + 1 / 2.0 + 1) / 3, score, 1e-12);
    }

    [TestMethod]
    public void Places_are_counted_over_all_samples_together()
    {
        // Class 1: 1 of 1 and 1 of 3, together 2 of 4; class 0: 1 of 1 and 0 of 2, together 1 of 3.
        double score = Score(Scoring.Unstated, (Tensor.Vector(1L, 0), Tensor.Vector(1f, 0)), (Tensor.Vector(1L, 1, 1), Tensor.Vector(1f, 0, 0)));

        Assert.AreEqual((2 / 4.0 + 1 / 3.0) / 2, score, 1e-12);
    }

    [TestMethod]
    public void The_class_of_a_place_is_that_of_the_best_score_in_either_layout()
    {
        Tensor label = Tensor.Create([2, 2], new float[] { 0, 1, 2, 2 });
        float[] classesFirst = [9, 0, 0, 0, 1, 5, 1, 1, 2, 2, 5, 5];
        float[] classesLast = [9, 1, 2, 0, 5, 2, 0, 1, 5, 0, 1, 5];

        Assert.AreEqual(1, Score(Scoring.Unstated, (Tensor.Create([1, 3, 2, 2], classesFirst), label)));
        Assert.AreEqual(1, Score(Scoring.Unstated, (Tensor.Create([1, 2, 2, 3], classesLast), label)));
    }

    [TestMethod]
    public void One_score_is_the_probability_of_class_1() =>
        Assert.AreEqual((1 / 2.0 + 2 / 3.0) / 2, Score(Scoring.Unstated, (Tensor.Create([1, 1, 2, 2], new float[] { .1f, .5f, .9f, .7f }), Tensor.Vector(0f, 0, 1, 1))), 1e-12);

    [TestMethod]
    public void Classes_of_any_size_are_told_apart() =>
        Assert.AreEqual(0, Score(Scoring.Unstated, (Tensor.Vector(16_777_216L, 16_777_216), Tensor.Vector(16_777_217L, 16_777_217))));

    [TestMethod]
    public void Ignored_places_count_nowhere() =>
        Assert.AreEqual(1, Score(new Scoring { Segmentation = new Segmentation { Ignore = 255 } }, (Tensor.Vector(0L, 1, 0), Tensor.Vector(0f, 1, 255))));

    [TestMethod]
    public void Where_no_place_is_judged_there_is_nothing_to_score() =>
        Assert.Contains("255", Assert.ThrowsExactly<MetricException>(
            () => Score(new Scoring { Segmentation = new Segmentation { Ignore = 255 } }, (Tensor.Vector(0L, 1), Tensor.Vector(255f, 255)))).Message);

    [TestMethod]
    public void A_place_that_is_not_a_number_is_missed() =>
        Assert.AreEqual((1 / 2.0 + 1) / 2, Score(Scoring.Unstated, (Tensor.Vector(float.NaN, .1f, .9f), Tensor.Vector(0f, 0, 1))), 1e-12);

    [TestMethod]
    public void The_declared_output_is_read()
    {
        Metric metric = Metric.Create(MetricKind.IntersectionOverUnion, new Scoring { Segmentation = new Segmentation { Output = "mask" } }, ["features", "mask"]);

        Assert.AreEqual(1, metric.Scorer([metric.Keep([Tensor.Vector(7f), Tensor.Vector(1L, 0)], [], Tensor.Vector(1f, 0))])([1]));
    }

    [TestMethod]
    public void An_output_that_is_not_there_is_an_error_that_names_those_that_are() =>
        Assert.Contains("'mask'; the model has features", Assert.ThrowsExactly<MetricException>(
            () => Metric.Create(MetricKind.IntersectionOverUnion, new Scoring { Segmentation = new Segmentation { Output = "mask" } }, ["features"])).Message);

    [TestMethod]
    [DataRow(255f, "255, which is no class index of the mask Float[1, 2, 2]; \"segmentation\": { \"ignore\"")]
    [DataRow(-1f, "no class index")]
    [DataRow(0.5f, "no class index")]
    [DataRow(float.NaN, "no class index")]
    public void Labels_that_are_no_classes_are_an_error(float label, string message)
    {
        // 255 could be a class of a mask of indices; of scores for two classes it is none.
        Assert.Contains(message, Assert.ThrowsExactly<MetricException>(() => Score(Scoring.Unstated, (Tensor.Create([1, 2, 2], new float[4]), Tensor.Vector(0f, label)))).Message);
    }

    [TestMethod]
    public void A_mask_of_another_size_than_the_label_is_an_error_that_tells_both() =>
        Assert.Contains("has 4 places, the model's mask is Float[1, 3, 2]", Assert.ThrowsExactly<MetricException>(
            () => Score(Scoring.Unstated, (Tensor.Create([1, 3, 2], new float[6]), Tensor.Vector(0f, 0, 1, 1)))).Message);

    [TestMethod]
    public void Random_masks_agree_with_the_definition_by_sets()
    {
        Random random = new(9);
        const int Classes = 4, Places = 30, Count = 20;
        (float[] Scores, float[] Label)[] samples = [.. Enumerable.Range(0, Count).Select(_ => (
            Enumerable.Range(0, Classes * Places).Select(_ => (float)random.NextDouble()).ToArray(),
            Enumerable.Range(0, Places).Select(_ => random.Next(8) == 0 ? 255f : random.Next(Classes)).ToArray()))];
        int[] weights = [.. samples.Select(_ => random.Next(3))];
        HashSet<(int, int, int)>[] labelled = [.. Enumerable.Range(0, Classes).Select(_ => new HashSet<(int, int, int)>())];
        HashSet<(int, int, int)>[] answered = [.. Enumerable.Range(0, Classes).Select(_ => new HashSet<(int, int, int)>())];
        for (int i = 0; i < Count; i++)
        {
            for (int place = 0; place < Places; place++)
            {
                int best = Enumerable.Range(0, Classes).MaxBy(index => samples[i].Scores[index * Places + place]);
                for (int copy = 0; copy < weights[i] && samples[i].Label[place] != 255; copy++)
                {
                    labelled[(int)samples[i].Label[place]].Add((i, place, copy));
                    answered[best].Add((i, place, copy));
                }
            }
        }

        double expected = Enumerable.Range(0, Classes).Average(index => labelled[index].Intersect(answered[index]).Count() / (double)labelled[index].Union(answered[index]).Count());
        Metric metric = Metric.Create(MetricKind.IntersectionOverUnion, new Scoring { Segmentation = new Segmentation { Ignore = 255 } }, ["mask"]);
        double[][] kept = [.. samples.Select(sample => metric.Keep([Tensor.Create([1, Classes, 5, 6], sample.Scores)], [], Tensor.Create([5, 6], sample.Label)))];

        Assert.AreEqual(expected, metric.Scorer(kept)(weights), 1e-9);
    }

    private static double Score(Scoring scoring, params (Tensor Mask, Tensor Label)[] samples)
    {
        Metric metric = Metric.Create(MetricKind.IntersectionOverUnion, scoring, ["mask"]);
        double[][] kept = [.. samples.Select(sample => metric.Keep([sample.Mask], [sample.Mask], sample.Label))];
        return metric.Scorer(kept)([.. samples.Select(_ => 1)]);
    }
}
