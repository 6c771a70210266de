using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.DataChecks;

[TestClass]
public sealed class SampleFingerprintTests
{
    private const float NearCopy = 0.998f;

    [TestMethod]
    public void Equal_samples_have_equal_content_and_others_do_not()
    {
        Assert.AreEqual(SampleFingerprint.Of(DrawnDataset.Row(1, 2)).Content, SampleFingerprint.Of(DrawnDataset.Row(1, 2)).Content);
        Assert.AreNotEqual(SampleFingerprint.Of(DrawnDataset.Row(1, 2)).Content, SampleFingerprint.Of(DrawnDataset.Row(2, 1)).Content);
        Assert.AreNotEqual(
            SampleFingerprint.Of(new Sample([Tensor.Vector(1f), Tensor.Vector(2f, 3f)], null)).Content, SampleFingerprint.Of(new Sample([Tensor.Vector(1f, 2f), Tensor.Vector(3f)], null)).Content);
    }

    [TestMethod]
    [DataRow(1, 1, 32, 32)]
    [DataRow(1, 3, 20, 30)]
    [DataRow(1, 20, 30, 3)]
    [DataRow(1, 3, 200, 150)]
    public void The_look_is_the_means_of_a_grid(int batch, int first, int second, int third)
    {
        bool isLast = third == 3;
        (int planes, int height, int width) = isLast ? (third, first, second) : (first, second, third);
        float[] values = new float[batch * first * second * third];
        for (int plane = 0; plane < planes; plane++)
        {
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    values[isLast ? (y * width + x) * planes + plane : (plane * height + y) * width + x] = Cell(y, height) * 8 + Cell(x, width);
                }
            }
        }

        float[] look = SampleFingerprint.Of(new Sample([Tensor.Create([batch, first, second, third], values)], null)).Look!;

        // 0 to 63, less their mean 31.5, over the length of that: the square root of 64 · (64² − 1) / 12.
        for (int cell = 0; cell < 64; cell++)
        {
            Assert.AreEqual((cell - 31.5) / Math.Sqrt(64 * 4095 / 12.0), look[cell], 1e-6);
        }

        static int Cell(int place, int size) => Enumerable.Range(0, 8).Last(cell => cell * size / 8 <= place);
    }

    [TestMethod]
    public void Brightness_and_contrast_do_not_change_the_look()
    {
        float[] look = SampleFingerprint.Of(DrawnDataset.Image(1)).Look!;
        float[] changed = SampleFingerprint.Of(DrawnDataset.Image(1, pixel => 0.3f * pixel + 7)).Look!;

        Assert.AreEqual(1, SampleFingerprints.Likeness(look, look), 1e-5f);
        Assert.AreEqual(1, SampleFingerprints.Likeness(look, changed), 1e-5f);
        Assert.IsLessThan(0.9f, SampleFingerprints.Likeness(look, SampleFingerprint.Of(DrawnDataset.Image(2)).Look!));
    }

    [TestMethod]
    public void What_is_small_even_infinite_or_no_picture_has_no_look()
    {
        Assert.IsNull(SampleFingerprint.Of(DrawnDataset.Row([.. Enumerable.Range(0, 100).Select(i => (float)i)])).Look);
        Assert.IsNull(SampleFingerprint.Of(DrawnDataset.Image(1, _ => 0.5f)).Look);
        Assert.IsNull(SampleFingerprint.Of(DrawnDataset.Image(1, pixel => pixel > 0.5f ? float.PositiveInfinity : pixel)).Look);
        Assert.IsNull(SampleFingerprint.Of(new Sample([Tensor.Create([1, 1024], new long[1024])], null)).Look);
        Assert.IsNull(SampleFingerprint.Of(new Sample([], null)).Look);
    }

    [TestMethod]
    [DataRow("mnist/test5k-images.idx.gz", new long[] { 1, 28, 28 })]
    [DataRow("fashion900/images600.idx.gz", new long[] { 1, 28, 28 })]
    [DataRow("textline_orient/images400.idx.gz", new long[] { 48, 192, 3 })]
    [DataRow("photos", new long[] { 3, 224, 224 })]
    public void Different_samples_of_real_data_are_not_near_and_noisy_copies_are(string data, long[] shape)
    {
        Random random = new(5);
        Sample[] samples = [.. Dataset.Open(Path.Combine(PublishedData.Root(), "datasets", data), [DrawnDataset.Input(["N", .. shape.Select(size => new Dimension(size, null))])]).Take(600).Read()];
        float[][] looks = [.. samples.Select(sample => SampleFingerprint.Of(sample).Look!)];

        int alike = looks.Where((look, i) => looks.Where((other, j) => i != j && SampleFingerprints.Likeness(look, other) >= NearCopy).Any()).Count();
        int found = samples.Take(200).Where((sample, i) =>
        {
            // 2 % of the range, and 30 % less contrast.
            float[] noisy = Array.ConvertAll(sample.Inputs[0].ToSingles(), pixel => 0.7f * pixel + 20 + 0.02f * 255 * 0.7f * Normal(random));
            return SampleFingerprints.Likeness(looks[i], SampleFingerprint.Of(new Sample([Tensor.Create([.. sample.Inputs[0].Dimensions], noisy)], null)).Look!) >= NearCopy;
        }).Count();

        Assert.AreEqual(0, alike);
        Assert.IsGreaterThanOrEqualTo(0.97 * Math.Min(200, samples.Length), found);
    }

    private static float Normal(Random random) => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
