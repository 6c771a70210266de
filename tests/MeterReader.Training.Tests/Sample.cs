using MeterReader.Training.Drawing;
using ModelBuildTasks;
using StbImageSharp;

namespace MeterReader.Training.Tests;

/// <summary>The committed sample, found from the test's own folder.</summary>
internal static class Sample
{
    public static string Folder { get; } = Repository.File("samples/MeterReader");

    public static string Model => Path.Combine(Folder, "Models", "digits.onnx");

    /// <summary>The images of a committed set, ordered by their number.</summary>
    public static DigitImage[] Images(string set) =>
    [
        .. Directory.GetFiles(Path.Combine(Folder, "Data", set), "*.png", SearchOption.AllDirectories)
            .OrderBy(path => Path.GetFileNameWithoutExtension(path).Split('-')[1], StringComparer.Ordinal)
            .Select(Read),
    ];

    private static DigitImage Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        ImageResult image = ImageResult.FromStream(stream, ColorComponents.Grey);
        int label = int.Parse(Path.GetFileName(Path.GetDirectoryName(path))!, System.Globalization.CultureInfo.InvariantCulture);
        MeterStyle style = Enum.Parse<MeterStyle>(Path.GetFileName(path).Split('-')[0], ignoreCase: true);
        return new DigitImage(image.Data, label, style);
    }
}
