using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>
/// Resizes interleaved 8-bit images with a triangle filter whose support grows with the reduction, as Pillow's BILINEAR does
/// (libImaging/Resample.c): antialiased when shrinking, plain bilinear when enlarging.
/// </summary>
internal static class ImageResizer
{
    /// <param name="image">UInt8 [height, width, channels].</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="mode">Whether the shape may change, or what juts out is cut off evenly.</param>
    /// <returns>UInt8 [height, width, channels]; the image itself when it has that size.</returns>
    internal static Tensor Resize(Tensor image, int height, int width, ResizeMode mode)
    {
        (int sourceHeight, int sourceWidth, int channels) = ((int)image.Dimensions[0], (int)image.Dimensions[1], (int)image.Dimensions[2]);
        if (sourceHeight == height && sourceWidth == width)
        {
            return image;
        }

        double top = 0, left = 0, usedHeight = sourceHeight, usedWidth = sourceWidth;
        if (mode == ResizeMode.Crop)
        {
            double step = Math.Min((double)sourceHeight / height, (double)sourceWidth / width);
            (usedHeight, usedWidth) = (step * height, step * width);
            (top, left) = ((sourceHeight - usedHeight) / 2, (sourceWidth - usedWidth) / 2);
        }

        Tap[] columns = Taps(sourceWidth, left, usedWidth, width);
        Tap[] rows = Taps(sourceHeight, top, usedHeight, height);
        float[] narrowed = new float[sourceHeight * width * channels];
        ReadOnlySpan<byte> pixels = image.Data.Span;
        for (int y = rows[0].Start; y < rows[^1].Start + rows[^1].Weights.Length; y++)
        {
            ReadOnlySpan<byte> row = pixels.Slice(y * sourceWidth * channels, sourceWidth * channels);
            Span<float> target = narrowed.AsSpan(y * width * channels, width * channels);
            for (int x = 0; x < width; x++)
            {
                (int start, float[] weights) = columns[x];
                for (int channel = 0; channel < channels; channel++)
                {
                    float sum = 0;
                    for (int k = 0; k < weights.Length; k++)
                    {
                        sum += weights[k] * row[(start + k) * channels + channel];
                    }

                    target[x * channels + channel] = sum;
                }
            }
        }

        byte[] result = GC.AllocateUninitializedArray<byte>(height * width * channels);
        int stride = width * channels;
        for (int y = 0; y < height; y++)
        {
            (int start, float[] weights) = rows[y];
            Span<byte> target = result.AsSpan(y * stride, stride);
            for (int i = 0; i < stride; i++)
            {
                float sum = 0;
                for (int k = 0; k < weights.Length; k++)
                {
                    sum += weights[k] * narrowed[(start + k) * stride + i];
                }

                target[i] = (byte)Math.Clamp(sum + 0.5f, 0f, 255f);
            }
        }

        return Tensor.FromBytes(ElementType.UInt8, [height, width, channels], result);
    }

    private static Tap[] Taps(int size, double offset, double used, int count)
    {
        double scale = used / count;
        double support = Math.Max(scale, 1);
        Tap[] taps = new Tap[count];
        for (int i = 0; i < count; i++)
        {
            double center = offset + (i + 0.5) * scale;
            int first = Math.Max(0, (int)(center - support + 0.5));
            int last = Math.Max(first + 1, Math.Min(size, (int)(center + support + 0.5)));
            float[] weights = new float[last - first];
            double total = 0;
            for (int k = 0; k < weights.Length; k++)
            {
                double weight = Math.Max(0, 1 - Math.Abs((first + k + 0.5 - center) / support));
                weights[k] = (float)weight;
                total += weight;
            }

            for (int k = 0; k < weights.Length; k++)
            {
                weights[k] = (float)(weights[k] / total);
            }

            taps[i] = new Tap(first, weights);
        }

        return taps;
    }

    /// <summary>Source pixels from <paramref name="Start"/> on, and how much each counts.</summary>
    private readonly record struct Tap(int Start, float[] Weights);
}
