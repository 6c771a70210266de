using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Augmentation;

/// <summary>
/// Makes other images of an image, float [1, channels, height, width] or [1, height, width, channels]: shifted with its edges repeated, of another contrast and brightness, noisy, with a square cut out (DeVries, Taylor
/// 2017), mirrored where that is allowed. A few images are worth many so, above all to a teacher that says what each of them is.
/// </summary>
/// <param name="mayMirror">Whether left and right mean the same.</param>
internal sealed class ImageAugmentation(bool mayMirror)
{
    /// <summary>Channels of pictures: grey, grey with alpha, colour, colour with alpha.</summary>
    private const long MostChannels = 4;

    /// <summary>What is smaller is no picture.</summary>
    private const long SmallestSide = 8;

    /// <summary>Largest shift, of the side.</summary>
    private const double MostShift = 0.1;

    /// <summary>Contrast is within 1 ± this, and brightness moves by this share of the image's range.</summary>
    private const double MostContrast = 0.2;

    /// <summary>Largest standard deviation of noise, of the image's range.</summary>
    private const double MostNoise = 0.05;

    /// <summary>Side of the square that is cut out, at most, of the shorter side, and how often.</summary>
    private const double MostCut = 0.3;

    private const double CutShare = 0.5;

    /// <summary>Whether a tensor looks like one image.</summary>
    internal static bool Takes(Tensor input) => input.ElementType == ElementType.Float && Layout.Of(input) is not null;

    /// <summary>Another image of the same shape.</summary>
    /// <param name="image">An image that <see cref="Takes"/> is true of.</param>
    /// <param name="random">Decides how it differs.</param>
    internal Tensor Apply(Tensor image, Random random)
    {
        Layout layout = Layout.Of(image)!.Value;
        ReadOnlySpan<float> from = image.Span<float>();
        (float low, float high) = Range(from);
        float[] to = Moved(from, layout, random);
        Tint(to, low, high, random);
        if (random.NextDouble() < CutShare)
        {
            Cut(to, layout, (low + high) / 2, random);
        }

        return Tensor.Create([.. image.Dimensions], to);
    }

    /// <summary>The image's mirror image.</summary>
    internal static Tensor Mirror(Tensor image)
    {
        Layout layout = Layout.Of(image)!.Value;
        return Tensor.Create([.. image.Dimensions], Copy(image.Span<float>(), layout, 0, 0, isMirrored: true));
    }

    private float[] Moved(ReadOnlySpan<float> from, Layout layout, Random random)
    {
        int down = Shift(layout.Height), right = Shift(layout.Width);
        return Copy(from, layout, down, right, mayMirror && random.NextDouble() < 0.5);

        int Shift(int side) => (int)Math.Round(((2 * random.NextDouble()) - 1) * MostShift * side);
    }

    private static float[] Copy(ReadOnlySpan<float> from, Layout layout, int down, int right, bool isMirrored)
    {
        float[] to = new float[from.Length];
        for (int channel = 0; channel < layout.Channels; channel++)
        {
            for (int y = 0; y < layout.Height; y++)
            {
                int fromY = Math.Clamp(y - down, 0, layout.Height - 1);
                for (int x = 0; x < layout.Width; x++)
                {
                    int fromX = Math.Clamp(x - right, 0, layout.Width - 1);
                    to[layout.At(channel, y, x)] = from[layout.At(channel, fromY, isMirrored ? layout.Width - 1 - fromX : fromX)];
                }
            }
        }

        return to;
    }

    private static void Tint(float[] pixels, float low, float high, Random random)
    {
        float range = high - low;
        float middle = (low + high) / 2;
        float contrast = 1 + (float)(((2 * random.NextDouble()) - 1) * MostContrast);
        float brightness = (float)(((2 * random.NextDouble()) - 1) * MostContrast) * range / 2;
        float noise = (float)(random.NextDouble() * MostNoise) * range;
        for (int i = 0; i < pixels.Length; i++)
        {
            float value = ((pixels[i] - middle) * contrast) + middle + brightness + (noise * Normal(random));
            pixels[i] = Math.Clamp(value, low, high);
        }
    }

    private static void Cut(float[] pixels, Layout layout, float grey, Random random)
    {
        int side = Math.Max(1, (int)(random.NextDouble() * MostCut * Math.Min(layout.Height, layout.Width)));
        int top = random.Next(layout.Height - side + 1), left = random.Next(layout.Width - side + 1);
        for (int channel = 0; channel < layout.Channels; channel++)
        {
            for (int y = top; y < top + side; y++)
            {
                for (int x = left; x < left + side; x++)
                {
                    pixels[layout.At(channel, y, x)] = grey;
                }
            }
        }
    }

    private static (float Low, float High) Range(ReadOnlySpan<float> pixels) => (System.Numerics.Tensors.TensorPrimitives.Min(pixels), System.Numerics.Tensors.TensorPrimitives.Max(pixels));

    /// <summary>The sum of twelve uniform numbers less six is normal enough for noise.</summary>
    private static float Normal(Random random)
    {
        double sum = -6;
        for (int i = 0; i < 12; i++)
        {
            sum += random.NextDouble();
        }

        return (float)sum;
    }

    /// <summary>Where an image's channels are.</summary>
    private readonly record struct Layout(int Channels, int Height, int Width, bool AreChannelsLast)
    {
        internal static Layout? Of(Tensor image) => image.Dimensions switch
        {
            [1, <= MostChannels, >= SmallestSide, >= SmallestSide] => new Layout((int)image.Dimensions[1], (int)image.Dimensions[2], (int)image.Dimensions[3], false),
            [1, >= SmallestSide, >= SmallestSide, <= MostChannels] => new Layout((int)image.Dimensions[3], (int)image.Dimensions[1], (int)image.Dimensions[2], true),
            _ => null,
        };

        internal int At(int channel, int y, int x) => AreChannelsLast ? (((y * Width) + x) * Channels) + channel : (((channel * Height) + y) * Width) + x;
    }
}
