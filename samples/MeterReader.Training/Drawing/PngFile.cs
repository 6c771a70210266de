using StbImageWriteSharp;

namespace MeterReader.Training.Drawing;

/// <summary>Writes 8-bit grey PNG files.</summary>
internal static class PngFile
{
    public static void Write(string path, ReadOnlySpan<byte> pixels, int width, int height)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using var stream = File.Create(path);
        new ImageWriter().WritePng(pixels.ToArray(), width, height, ColorComponents.Grey, stream);
    }
}
