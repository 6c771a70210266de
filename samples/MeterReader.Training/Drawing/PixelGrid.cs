namespace MeterReader.Training.Drawing;

/// <summary>A grey image of floats, nominally in [0, 1], with the blurs of a lens and of an unsteady hand.</summary>
internal sealed class PixelGrid(int width, int height)
{
    private readonly float[] _pixels = new float[width * height];

    public int Width => width;

    public int Height => height;

    public Span<float> Pixels => _pixels;

    public ref float this[int x, int y] => ref _pixels[(y * width) + x];

    /// <summary>Gaussian blur, separable, with the border repeated.</summary>
    /// <param name="deviation">Standard deviation in pixels.</param>
    public void Blur(float deviation)
    {
        var radius = Math.Max(1, (int)MathF.Ceiling(2.5f * deviation));
        var kernel = new float[(2 * radius) + 1];
        for (var i = -radius; i <= radius; i++)
        {
            kernel[i + radius] = MathF.Exp(-i * i / (2 * deviation * deviation));
        }

        Convolve(kernel, i => (i - radius, 0f));
        Convolve(kernel, i => (0f, i - radius));
    }

    /// <summary>Motion blur: the mean over a straight path.</summary>
    /// <param name="length">Length of the path in pixels.</param>
    /// <param name="angle">Direction in radians.</param>
    public void Smear(float length, float angle)
    {
        const int Steps = 7;
        var kernel = new float[Steps];
        Array.Fill(kernel, 1f);
        Convolve(kernel, i =>
        {
            var along = ((i / (Steps - 1f)) - 0.5f) * length;
            return (along * MathF.Cos(angle), along * MathF.Sin(angle));
        });
    }

    public byte[] ToBytes() => Array.ConvertAll(_pixels, pixel => (byte)((Math.Clamp(pixel, 0, 1) * 255) + 0.5f));

    private void Convolve(float[] kernel, Func<int, (float X, float Y)> offset)
    {
        var source = (float[])_pixels.Clone();
        var total = kernel.Sum();
        var offsets = Enumerable.Range(0, kernel.Length).Select(offset).ToArray();
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var sum = 0f;
                for (var i = 0; i < kernel.Length; i++)
                {
                    sum += kernel[i] * Sample(source, x + offsets[i].X, y + offsets[i].Y);
                }

                this[x, y] = sum / total;
            }
        }
    }

    private float Sample(float[] source, float x, float y)
    {
        float fx = MathF.Floor(x), fy = MathF.Floor(y);
        int x0 = Math.Clamp((int)fx, 0, width - 1), x1 = Math.Clamp((int)fx + 1, 0, width - 1);
        int y0 = Math.Clamp((int)fy, 0, height - 1) * width, y1 = Math.Clamp((int)fy + 1, 0, height - 1) * width;
        float tx = x - fx, ty = y - fy;
        var top = source[y0 + x0] + ((source[y0 + x1] - source[y0 + x0]) * tx);
        var bottom = source[y1 + x0] + ((source[y1 + x1] - source[y1 + x0]) * tx);
        return top + ((bottom - top) * ty);
    }
}
