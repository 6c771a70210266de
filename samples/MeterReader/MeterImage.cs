using StbImageSharp;

namespace MeterReader;

/// <summary>A grey photograph of a meter's counter, cropped to its window, so that the digits stand in equal cells side by side.</summary>
internal sealed class MeterImage
{
    /// <summary>Width of a cell in the model's pixels.</summary>
    public const int CellWidth = 24;

    /// <summary>Height of a cell in the model's pixels.</summary>
    public const int CellHeight = 32;

    private readonly byte[] pixels;
    private readonly int width;
    private readonly int height;

    private MeterImage(ImageResult image)
    {
        (pixels, width, height) = (image.Data, image.Width, image.Height);
        Digits = Math.Max(1, (int)Math.Round((double)width * CellHeight / (height * CellWidth)));
    }

    /// <summary>Number of cells, as the proportions tell.</summary>
    public int Digits { get; }

    public static MeterImage Load(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return new MeterImage(ImageResult.FromStream(stream, ColorComponents.Grey));
    }

    /// <summary>The model's input [<see cref="Digits"/>, 1, 32, 24]: each cell scaled by the mean over the area of a pixel, brightness from 0 to 1.</summary>
    public float[] ToModelInput()
    {
        float[] input = new float[Digits * CellHeight * CellWidth];
        for (int i = 0; i < input.Length; i++)
        {
            int column = i % CellWidth, row = i / CellWidth % CellHeight, cell = i / (CellWidth * CellHeight);
            input[i] = Mean((cell * CellWidth) + column, row) / 255;
        }

        return input;
    }

    private float Mean(int column, int row)
    {
        int columns = Digits * CellWidth;
        int left = column * width / columns, right = Math.Max(left + 1, (column + 1) * width / columns);
        int top = row * height / CellHeight, bottom = Math.Max(top + 1, (row + 1) * height / CellHeight);
        float sum = 0;
        for (int y = top; y < bottom; y++)
        {
            for (int x = left; x < right; x++)
            {
                sum += pixels[(y * width) + x];
            }
        }

        return sum / ((right - left) * (bottom - top));
    }
}
