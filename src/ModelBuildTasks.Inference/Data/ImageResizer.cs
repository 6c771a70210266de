using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>
/// Resizes interleaved 8-bit images as Pillow does, to the same bytes (libImaging/Resample.c): a filter whose support grows with the reduction, weights in fixed point,
/// rows first, and 8 bits between the two passes. torchvision's antialiased resizing of bytes computes the same.
/// </summary>
internal static class ImageResizer
{
    /// <summary>Pillow's PRECISION_BITS: 32 less 8 of the pixel and 2 for sums that go beyond 255.</summary>
    private const int WeightBits = 22;

    private const int Half = 1 << (WeightBits - 1);

    /// <param name="image">UInt8 [height, width, channels].</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="mode">Whether the shape may change, or what juts out is cut off evenly.</param>
    /// <param name="interpolation">The filter.</param>
    /// <param name="shorterSide">With <see cref="ResizeMode.Crop"/>: scale to this many pixels on the shorter side, at least the result's sides, before cutting; null scales to cover the result.</param>
    /// <returns>UInt8 [height, width, channels]; the image itself when nothing is to be done.</returns>
    internal static Tensor Resize(Tensor image, int height, int width, ResizeMode mode, Interpolation interpolation = Interpolation.Bilinear, int? shorterSide = null)
    {
        (int sourceHeight, int sourceWidth, int channels) = ((int)image.Dimensions[0], (int)image.Dimensions[1], (int)image.Dimensions[2]);
        if (sourceHeight == height && sourceWidth == width && shorterSide is null)
        {
            return image;
        }

        (Axis vertical, Axis horizontal) = mode == ResizeMode.Stretch ? (Axis.Whole(sourceHeight, height), Axis.Whole(sourceWidth, width))
            : shorterSide is { } side ? ScaledThenCut(sourceHeight, sourceWidth, height, width, side)
            : Covering(sourceHeight, sourceWidth, height, width);
        Tap[] columns = Taps(horizontal, interpolation);
        Tap[] rows = Taps(vertical, interpolation);
        int top = rows.Min(tap => tap.Start);
        int bottom = rows.Max(tap => tap.Start + tap.Weights.Length);
        byte[] narrowed = GC.AllocateUninitializedArray<byte>((bottom - top) * width * channels);
        ReadOnlySpan<byte> pixels = image.Data.Span;
        for (int y = top; y < bottom; y++)
        {
            ReadOnlySpan<byte> row = pixels.Slice(y * sourceWidth * channels, sourceWidth * channels);
            Span<byte> target = narrowed.AsSpan((y - top) * width * channels, width * channels);
            for (int x = 0; x < width; x++)
            {
                (int start, int[] weights) = columns[x];
                for (int channel = 0; channel < channels; channel++)
                {
                    int sum = Half;
                    for (int k = 0; k < weights.Length; k++)
                    {
                        sum += weights[k] * row[(start + k) * channels + channel];
                    }

                    target[x * channels + channel] = ToByte(sum);
                }
            }
        }

        byte[] result = GC.AllocateUninitializedArray<byte>(height * width * channels);
        int stride = width * channels;
        for (int y = 0; y < height; y++)
        {
            (int start, int[] weights) = rows[y];
            Span<byte> target = result.AsSpan(y * stride, stride);
            ReadOnlySpan<byte> source = narrowed.AsSpan((start - top) * stride, weights.Length * stride);
            for (int i = 0; i < stride; i++)
            {
                int sum = Half;
                for (int k = 0; k < weights.Length; k++)
                {
                    sum += weights[k] * source[k * stride + i];
                }

                target[i] = ToByte(sum);
            }
        }

        return Tensor.FromBytes(ElementType.UInt8, [height, width, channels], result);
    }

    private static byte ToByte(int sum) => (byte)Math.Clamp(sum >> WeightBits, 0, 255);

    /// <summary>The largest centred part of the image that has the result's shape, as PIL.ImageOps.fit takes it: its corners reach Pillow's resampling in single precision.</summary>
    private static (Axis Vertical, Axis Horizontal) Covering(int sourceHeight, int sourceWidth, int height, int width)
    {
        double shape = (double)width / height;
        double own = (double)sourceWidth / sourceHeight;
        return (Centred(sourceHeight, own < shape ? sourceWidth / shape : sourceHeight, height), Centred(sourceWidth, own > shape ? shape * sourceHeight : sourceWidth, width));

        static Axis Centred(int size, double part, int count)
        {
            double start = (size - part) * 0.5;
            return new Axis(size, (float)start, (double)((float)(start + part) - (float)start) / count, 0, count);
        }
    }

    /// <summary>torchvision's Resize(side), then CenterCrop: the longer side is rounded down, the margin to even.</summary>
    private static (Axis Vertical, Axis Horizontal) ScaledThenCut(int sourceHeight, int sourceWidth, int height, int width, int side)
    {
        int shorter = Math.Min(sourceHeight, sourceWidth);
        Axis Cut(int size, int count)
        {
            int scaled = (int)((long)side * size / shorter);
            return new Axis(size, 0, (double)size / scaled, (int)Math.Round((scaled - count) / 2.0), count);
        }

        return (Cut(sourceHeight, height), Cut(sourceWidth, width));
    }

    private static Tap[] Taps(Axis axis, Interpolation interpolation)
    {
        double stretch = Math.Max(axis.Step, 1);
        double narrowing = 1 / stretch;
        double support = stretch * (interpolation == Interpolation.Bicubic ? 2 : 1);
        Tap[] taps = new Tap[axis.Count];
        for (int i = 0; i < taps.Length; i++)
        {
            double center = axis.Offset + (axis.First + i + 0.5) * axis.Step;
            int first = Math.Max(0, (int)(center - support + 0.5));
            int last = Math.Min(axis.Size, (int)(center + support + 0.5));
            double[] weights = new double[last - first];
            for (int k = 0; k < weights.Length; k++)
            {
                double distance = Math.Abs((first + k - center + 0.5) * narrowing);
                weights[k] = interpolation == Interpolation.Bicubic ? Cubic(distance) : Math.Max(0, 1 - distance);
            }

            double total = weights.Sum();
            taps[i] = new Tap(first, Array.ConvertAll(weights, weight => ToFixedPoint(weight / total)));
        }

        return taps;
    }

    private static int ToFixedPoint(double weight) => (int)(weight * (1 << WeightBits) + (weight < 0 ? -0.5 : 0.5));

    /// <summary>Keys' cubic with a = −1/2 at a distance of 0 and more (R. Keys, "Cubic convolution interpolation for digital image processing", 1981).</summary>
    private static double Cubic(double distance) =>
        distance < 1 ? (1.5 * distance - 2.5) * distance * distance + 1
        : distance < 2 ? ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
        : 0;

    /// <summary>One axis: <paramref name="Count"/> pixels are kept from <paramref name="First"/> on of those that lie <paramref name="Step"/> source pixels apart from <paramref name="Offset"/> on.</summary>
    private readonly record struct Axis(int Size, double Offset, double Step, int First, int Count)
    {
        internal static Axis Whole(int size, int count) => new(size, 0, (double)size / count, 0, count);
    }

    /// <summary>Source pixels from <paramref name="Start"/> on, and how much each counts.</summary>
    private readonly record struct Tap(int Start, int[] Weights);
}
