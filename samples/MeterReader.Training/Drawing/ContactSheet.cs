namespace MeterReader.Training.Drawing;

/// <summary>Many images on one, to look at what is drawn.</summary>
internal static class ContactSheet
{
    /// <summary>Writes the images side by side, <paramref name="columns"/> in a row, each pixel <paramref name="zoom"/> pixels wide.</summary>
    public static void Write(string path, IReadOnlyList<DigitImage> images, int columns, int zoom)
    {
        const int Margin = 1;
        int cellWidth = DigitImage.Width + Margin, cellHeight = DigitImage.Height + Margin;
        var rows = (images.Count + columns - 1) / columns;
        int width = columns * cellWidth * zoom, height = rows * cellHeight * zoom;
        var sheet = new byte[width * height];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                int sourceX = x / zoom, sourceY = y / zoom;
                var index = (sourceY / cellHeight * columns) + (sourceX / cellWidth);
                int innerX = sourceX % cellWidth, innerY = sourceY % cellHeight;
                sheet[(y * width) + x] = index < images.Count && innerX < DigitImage.Width && innerY < DigitImage.Height
                    ? images[index].Pixels[(innerY * DigitImage.Width) + innerX]
                    : (byte)128;
            }
        }

        PngFile.Write(path, sheet, width, height);
    }
}
