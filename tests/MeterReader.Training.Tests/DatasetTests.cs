using MeterReader.Training.Learning;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace MeterReader.Training.Tests;

[TestClass]
public sealed class DatasetTests
{
    [TestMethod]
    [DataRow("calibration", 270)]
    [DataRow("evaluation", 1500)]
    public void The_build_sees_the_committed_images_as_training_does(string set, int count)
    {
        using ModelSession session = ModelSession.Open(Sample.Model);
        Dataset dataset = Dataset.Open(Path.Combine(Sample.Folder, "Data", set), session.Inputs);
        Assert.AreEqual(count, dataset.Count);
        Assert.IsTrue(dataset.HasLabels);

        string[] expected = [.. Sample.Images(set).Select(image => Key(image.Label, Batch.Pixels([image])))];
        string[] seen = [.. dataset.Read().Select(sample => Key((int)sample.Label!.Span<long>()[0], sample.Inputs[0]))];
        CollectionAssert.AreEquivalent(expected, seen);
    }

    /// <summary>Brightness back in 255 levels, so that x / 255 and x · (1 / 255) count as equal.</summary>
    private static string Key(int label, Tensor pixels) =>
        $"{label} {Convert.ToBase64String([.. pixels.ToSingles().Select(value => (byte)MathF.Round(value * 255))])}";
}
