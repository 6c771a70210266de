namespace MeterReader.Training.Drawing;

/// <summary>What the MeterReader sample carries: a calibration set, an evaluation set, and photographs for its app to read.</summary>
internal static class SampleData
{
    /// <summary>Seed of everything that is committed.</summary>
    public const ulong Seed = 2026;

    private const int CalibrationCount = 270;
    private const int EvaluationCount = 1500;
    private const int MeterCount = 6;
    private const int DigitCount = 3;

    private const string Description = """
        {
          // Grey images of 24 x 32 pixels; the model reads brightness from 0 to 1.
          "color": "gray",
          "imageSize": [32, 24],
          "scale": "1/255",
          "mean": 0,
          "std": 1
        }

        """;

    /// <summary>The images on which accuracy is stated.</summary>
    public static DigitImage[] Evaluation() => DigitImage.DrawMany(Seed, StreamPurpose.EvaluationImages, EvaluationCount);

    /// <summary>Writes Data/calibration, Data/evaluation and Images under <paramref name="folder"/>; images already there are replaced.</summary>
    public static void Write(string folder)
    {
        WriteDigits(Path.Combine(folder, "Data", "calibration"), DigitImage.DrawMany(Seed, StreamPurpose.CalibrationImages, CalibrationCount));
        WriteDigits(Path.Combine(folder, "Data", "evaluation"), Evaluation());

        var images = Path.Combine(folder, "Images");
        Clear(images);
        for (var i = 0; i < MeterCount; i++)
        {
            var meter = MeterPhotograph.Draw(Seed, i);
            PngFile.Write(Path.Combine(images, $"meter-{NameOf(meter.Style)}-{meter.Reading}.png"), meter.Pixels, meter.Width, meter.Height);
        }

        for (var i = 0; i < DigitCount; i++)
        {
            var digit = DigitImage.Draw(Seed, StreamPurpose.SingleDigits, i * 10);
            PngFile.Write(Path.Combine(images, $"digit-{NameOf(digit.Style)}-{digit.Label}.png"), digit.Pixels, DigitImage.Width, DigitImage.Height);
        }
    }

    private static void WriteDigits(string folder, DigitImage[] images)
    {
        Clear(folder);
        Parallel.For(0, images.Length, i =>
        {
            var image = images[i];
            var path = Path.Combine(folder, $"{image.Label}", $"{NameOf(image.Style)}-{i:D4}.png");
            PngFile.Write(path, image.Pixels, DigitImage.Width, DigitImage.Height);
        });
        File.WriteAllText(Path.Combine(folder, "dataset.json"), Description);
    }

    private static void Clear(string folder)
    {
        if (Directory.Exists(folder))
        {
            foreach (var image in Directory.EnumerateFiles(folder, "*.png", SearchOption.AllDirectories))
            {
                File.Delete(image);
            }
        }
    }

    private static string NameOf(MeterStyle style) => style.ToString().ToLowerInvariant();
}
