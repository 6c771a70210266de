using MeterReader.Training.Drawing;
using ModelBuildTasks.Onnx;

namespace MeterReader.Training.Learning;

/// <summary>Images as the network's tensors.</summary>
internal static class Batch
{
    private const float Scale = 1f / 255;

    /// <summary>[images, 1, 32, 24], brightness from 0 to 1.</summary>
    public static Tensor Pixels(IReadOnlyList<DigitImage> images)
    {
        const int Size = DigitImage.Width * DigitImage.Height;
        float[] pixels = new float[images.Count * Size];
        for (int i = 0; i < images.Count; i++)
        {
            byte[] bytes = images[i].Pixels;
            for (int p = 0; p < Size; p++)
            {
                pixels[(i * Size) + p] = bytes[p] * Scale;
            }
        }

        return Tensor.Create([images.Count, 1, DigitImage.Height, DigitImage.Width], pixels);
    }

    /// <summary>[images], the digits.</summary>
    public static Tensor Labels(IReadOnlyList<DigitImage> images) => Tensor.Vector([.. images.Select(image => (long)image.Label)]);
}
