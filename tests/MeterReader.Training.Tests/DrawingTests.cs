using MeterReader.Training.Drawing;

namespace MeterReader.Training.Tests;

[TestClass]
public sealed class DrawingTests
{
    [TestMethod]
    public void Draws_the_same_image_alone_as_among_others()
    {
        DigitImage[] many = DigitImage.DrawMany(3, StreamPurpose.TrainingImages, 40);
        for (int i = many.Length - 1; i >= 0; i--)
        {
            CollectionAssert.AreEqual(many[i].Pixels, DigitImage.Draw(3, StreamPurpose.TrainingImages, i).Pixels);
        }
    }

    [TestMethod]
    public void Draws_other_images_for_another_seed_and_another_split()
    {
        byte[] image = DigitImage.Draw(1, StreamPurpose.TrainingImages, 5).Pixels;
        CollectionAssert.AreNotEqual(image, DigitImage.Draw(2, StreamPurpose.TrainingImages, 5).Pixels);
        CollectionAssert.AreNotEqual(image, DigitImage.Draw(1, StreamPurpose.EvaluationImages, 5).Pixels);
    }

    [TestMethod]
    public void Balances_digits_and_styles()
    {
        DigitImage[] images = DigitImage.DrawMany(1, StreamPurpose.TrainingImages, 60);
        Assert.IsTrue(images.GroupBy(image => (image.Label, image.Style)).All(group => group.Count() == 2));
    }

    [TestMethod]
    public void Every_style_shows_each_digit_differently()
    {
        foreach (MeterStyle style in Enum.GetValues<MeterStyle>())
        {
            string[] rows = [.. Enumerable.Range(0, 10).Select(digit => Fingerprint(style, digit))];
            Assert.AreEqual(10, rows.Distinct().Count(), style.ToString());
        }
    }

    [TestMethod]
    public void Committed_calibration_images_are_what_the_code_draws() => AssertDrawn("calibration", StreamPurpose.CalibrationImages);

    [TestMethod]
    public void Committed_evaluation_images_are_what_the_code_draws() => AssertDrawn("evaluation", StreamPurpose.EvaluationImages);

    /// <summary>Mathematical functions may differ in the last bit between platforms, which noise and rounding can turn into a grey level.</summary>
    private static void AssertDrawn(string set, StreamPurpose purpose)
    {
        DigitImage[] committed = Sample.Images(set);
        DigitImage[] drawn = DigitImage.DrawMany(SampleData.Seed, purpose, committed.Length);
        for (int i = 0; i < drawn.Length; i++)
        {
            Assert.AreEqual(drawn[i].Label, committed[i].Label);
            Assert.AreEqual(drawn[i].Style, committed[i].Style);
            double difference = drawn[i].Pixels.Zip(committed[i].Pixels, (a, b) => Math.Abs(a - b)).Average();
            Assert.IsLessThan(2.0, difference, $"image {i} of {set}: run 'draw' again");
        }
    }

    private static string Fingerprint(MeterStyle style, int digit)
    {
        RandomStream random = new(8, StreamPurpose.TrainingImages, 0);
        MeterRow row = style switch
        {
            MeterStyle.Odometer => OdometerRow.Draw(random, [digit]),
            MeterStyle.Segment => new SegmentRow(random, [digit]),
            _ => new PrintedRow(random, [digit]),
        };
        return Convert.ToBase64String(new Camera(random, carelessness: 0).Photograph(row, 0, 1, DigitImage.Width, DigitImage.Height));
    }
}
