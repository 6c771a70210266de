using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class DetectionReaderTests
{
    private static readonly string[] Names = ["boxes", "scores", "classes"];
    private static readonly Detection Declared = new() { Boxes = "boxes", Scores = "scores", Classes = "classes" };

    [TestMethod]
    [DataRow(BoxFormat.Corners, new float[] { 10, 20, 40, 60 })]
    [DataRow(BoxFormat.RowsFirst, new float[] { 20, 10, 60, 40 })]
    [DataRow(BoxFormat.CornerAndSize, new float[] { 10, 20, 30, 40 })]
    [DataRow(BoxFormat.CentreAndSize, new float[] { 25, 40, 30, 40 })]
    public void Boxes_have_the_declared_form(BoxFormat format, float[] numbers) => Assert.AreEqual(new Box(10, 20, 40, 60), Box.Of(numbers, format));

    [TestMethod]
    [DataRow(0, 0, 10, 10, 1.0)]
    [DataRow(5, 0, 15, 10, 50 / 150.0)]
    [DataRow(10, 0, 20, 10, 0.0)]
    [DataRow(2, 2, 4, 4, 4 / 100.0)]
    [DataRow(10, 10, 0, 0, 0.0)]
    public void Overlap_is_the_common_area_over_all(double left, double top, double right, double bottom, double expected) =>
        Assert.AreEqual(expected, new Box(0, 0, 10, 10).Overlap(new Box(left, top, right, bottom)), 1e-12);

    [TestMethod]
    public void Boxes_that_are_no_numbers_overlap_nothing()
    {
        Assert.AreEqual(0, new Box(0, 0, double.PositiveInfinity, 1).Overlap(new Box(0, 0, double.PositiveInfinity, 1)));
        Assert.AreEqual(0, new Box(double.NaN, 0, 1, 1).Overlap(new Box(0, 0, 1, 1)));
    }

    [TestMethod]
    public void Detections_come_best_first()
    {
        IReadOnlyList<DetectedBox> found = Read(Declared, Tensor.Create([1, 2, 4], [0f, 0, 1, 1, 2, 2, 3, 3]), Tensor.Create([1, 2], [.2f, .7f]), Tensor.Create([1, 2], [4L, 5L]));

        CollectionAssert.AreEqual(new[] { 5, 4 }, found.Select(detection => detection.Class).ToArray());
        Assert.AreEqual(new Box(2, 2, 3, 3), found[0].Box);
    }

    [TestMethod]
    public void A_score_for_each_class_is_a_detection_for_each_but_the_background()
    {
        IReadOnlyList<DetectedBox> found = Read(
            new Detection { Boxes = "boxes", Scores = "scores", Background = 0 }, Tensor.Create([1, 1, 4], [0f, 0, 1, 1]), Tensor.Create([1, 1, 3], [.9f, .3f, .6f]));

        CollectionAssert.AreEqual(new[] { 2, 1 }, found.Select(detection => detection.Class).ToArray());
    }

    [TestMethod]
    public void Suppression_drops_the_weaker_of_boxes_of_one_class()
    {
        Tensor boxes = Tensor.Create([1, 4, 4], [0f, 0, 10, 10, 0, 0, 10, 9, 0, 0, 10, 9, 50, 50, 60, 60]);
        IReadOnlyList<DetectedBox> found = Read(Declared with { Suppression = 0.5 }, boxes, Tensor.Create([4], [.9f, .8f, .7f, .1f]), Tensor.Create([4], [0f, 0, 1, 0]));

        CollectionAssert.AreEqual(new[] { .9, .7, .1 }, found.Select(detection => Math.Round(detection.Score, 6)).ToArray());
    }

    [TestMethod]
    public void No_more_than_a_hundred_of_each_class_count_and_what_is_no_number_does_not()
    {
        float[] scores = [.. Enumerable.Range(0, 300).Select(i => i == 299 ? float.NaN : i)];
        long[] classes = [.. Enumerable.Range(0, 300).Select(i => i < 120 ? 7L : 3)];

        IReadOnlyList<DetectedBox> found = Read(Declared, Tensor.Create([300, 4], new float[1200]), Tensor.Vector(scores), Tensor.Vector(classes));

        CollectionAssert.AreEqual(Enumerable.Range(199, 100).Reverse().Select(i => (double)i).ToArray(), found.Where(detection => detection.Class == 3).Select(detection => detection.Score).ToArray());
        CollectionAssert.AreEqual(Enumerable.Range(20, 100).Reverse().Select(i => (double)i).ToArray(), found.Where(detection => detection.Class == 7).Select(detection => detection.Score).ToArray());
    }

    [TestMethod]
    public void Classes_of_any_size_are_told_apart()
    {
        IReadOnlyList<DetectedBox> found = Read(Declared, Tensor.Create([2, 4], new float[8]), Tensor.Vector(.9f, .8f), Tensor.Vector(16_777_216L, 16_777_217));

        CollectionAssert.AreEqual(new[] { 16_777_216, 16_777_217 }, found.Select(detection => detection.Class).ToArray());
    }

    [TestMethod]
    public void A_detector_may_find_nothing() =>
        Assert.IsEmpty(Read(Declared, Tensor.Create([1, 0, 4], Array.Empty<float>()), Tensor.Create([1, 0], Array.Empty<float>()), Tensor.Create([1, 0], Array.Empty<float>())));

    [TestMethod]
    public void Rows_below_class_0_fill_up_and_are_no_objects()
    {
        IReadOnlyList<(Box Box, int Class)> objects = new DetectionReader(Declared, Names).Objects(Tensor.Create([3, 5], [0f, 0, 1, 1, 2, 0, 0, 0, 0, -1, 5, 5, 6, 6, 0]));

        CollectionAssert.AreEqual(new[] { 2, 0 }, objects.Select(found => found.Class).ToArray());
    }

    [TestMethod]
    public void Labels_that_are_no_objects_are_an_error()
    {
        Assert.Contains("no labels", Assert.ThrowsExactly<MetricException>(() => new DetectionReader(Declared, Names).Objects(null)).Message);
        Assert.Contains("found the label Int64[]", Assert.ThrowsExactly<MetricException>(() => new DetectionReader(Declared, Names).Objects(Tensor.Scalar(3L))).Message);
    }

    [TestMethod]
    public void Outputs_of_another_form_are_an_error_that_tells_them()
    {
        Assert.Contains("Float[1, 3]", Assert.ThrowsExactly<MetricException>(() => Read(Declared, Tensor.Create([1, 2, 4], new float[8]), Tensor.Create([1, 3], new float[3]), Tensor.Vector(1f, 2))).Message);
        Assert.Contains("rows of 6", Assert.ThrowsExactly<MetricException>(() => Read(new Detection { Boxes = "boxes" }, Tensor.Create([1, 2, 4], new float[8]))).Message);
        Assert.Contains("'boxen'", Assert.ThrowsExactly<MetricException>(() => new DetectionReader(Declared with { Boxes = "boxen" }, Names)).Message);
    }

    private static IReadOnlyList<DetectedBox> Read(Detection declared, params Tensor[] outputs) => new DetectionReader(declared, Names).Detections(outputs);
}
