using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class ImageResizerTests
{
    [TestMethod]
    public void Halving_weighs_neighbours_by_a_triangle()
    {
        Tensor image = Tensor.FromBytes(ElementType.UInt8, [1, 4, 1], new byte[] { 0, 0, 80, 80 });

        // Triangle of support 2 around 1 and 3: the first pixel sees weights 3:3:1 on 0, 0, 80; the second 1:3:3 on 0, 80, 80.
        CollectionAssert.AreEqual(new byte[] { 11, 69 }, ImageResizer.Resize(image, 1, 2, ResizeMode.Stretch).Data.ToArray());
    }

    [TestMethod]
    public void Enlarging_interpolates()
    {
        Tensor image = Tensor.FromBytes(ElementType.UInt8, [1, 2, 1], new byte[] { 0, 100 });

        CollectionAssert.AreEqual(new byte[] { 0, 25, 75, 100 }, ImageResizer.Resize(image, 1, 4, ResizeMode.Stretch).Data.ToArray());
    }

    [TestMethod]
    public void Crop_keeps_the_centre()
    {
        Tensor image = Tensor.FromBytes(ElementType.UInt8, [2, 4, 1], new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 });

        CollectionAssert.AreEqual(new byte[] { 2, 3, 6, 7 }, ImageResizer.Resize(image, 2, 2, ResizeMode.Crop).Data.ToArray());
    }

    // From PIL.ImageOps.fit of Pillow 9.4: it takes the part of the image in single precision, which moves some bytes by 1. The image of 5 rows has the bytes 7·x² + 13·y + 5·x·y.
    [TestMethod]
    [DataRow(8, 7, 3, new byte[] { 56, 88, 126, 71, 105, 145, 90, 127, 170, 109, 149, 194, 128, 170, 179, 148, 192, 188, 163, 210, 207 })]
    [DataRow(14, 7, 3, new byte[] { 235, 170, 109, 144, 123, 138, 88, 100, 157, 118, 132, 153, 109, 165, 188, 123, 143, 137, 147, 96, 50 })]
    [DataRow(17, 3, 5, new byte[] { 163, 144, 161, 151, 141, 174, 134, 134, 141, 142, 132, 123, 120, 131, 90 })]
    [DataRow(23, 3, 5, new byte[] { 157, 147, 144, 173, 116, 139, 141, 142, 114, 103, 119, 133, 93, 144, 125 })]
    public void Crop_gives_the_bytes_of_Pillow(int width, int toHeight, int toWidth, byte[] expected)
    {
        byte[] pixels = [.. Enumerable.Range(0, 5 * width).Select(i => (i / width, i % width)).Select(place => (byte)(7 * place.Item2 * place.Item2 + 13 * place.Item1 + 5 * place.Item2 * place.Item1))];

        CollectionAssert.AreEqual(expected, ImageResizer.Resize(Tensor.FromBytes(ElementType.UInt8, [5, width, 1], pixels), toHeight, toWidth, ResizeMode.Crop).Data.ToArray());
    }

    [TestMethod]
    public void Halving_by_the_cubic_weighs_what_is_farther_against()
    {
        Tensor image = Tensor.FromBytes(ElementType.UInt8, [1, 4, 1], new byte[] { 0, 0, 80, 80 });

        // Keys' cubic at 1/4, 1/4, 3/4 and 5/4 of the doubled unit: 0.8671875, 0.8671875, 0.2265625, −0.0703125, of 1.890625 in all.
        CollectionAssert.AreEqual(new byte[] { 7, 73 }, ImageResizer.Resize(image, 1, 2, ResizeMode.Stretch, Interpolation.Bicubic).Data.ToArray());
    }

    [TestMethod]
    public void Enlarging_by_the_cubic_stays_within_bytes()
    {
        Tensor image = Tensor.FromBytes(ElementType.UInt8, [1, 2, 1], new byte[] { 0, 100 });

        // 100 · (−0.0703125) / 0.796875 is below 0; 100 · 0.2265625 / 1.09375 = 20.7; and the same from the other end, where 108.8 fits.
        CollectionAssert.AreEqual(new byte[] { 0, 21, 79, 109 }, ImageResizer.Resize(image, 1, 4, ResizeMode.Stretch, Interpolation.Bicubic).Data.ToArray());
    }

    [TestMethod]
    public void The_shorter_side_is_scaled_before_the_centre_is_cut_out()
    {
        Tensor image = Tensor.FromBytes(ElementType.UInt8, [2, 4, 1], new byte[] { 0, 10, 20, 30, 0, 10, 20, 30 });

        // To 4 × 8 pixels 0, 2.5, 7.5, 12.5, 17.5, …, of which columns 3 and 4 are the middle.
        CollectionAssert.AreEqual(new byte[] { 13, 18, 13, 18 }, ImageResizer.Resize(image, 2, 2, ResizeMode.Crop, shorterSide: 4).Data.ToArray());
    }

    [TestMethod]
    public void The_margin_of_the_centre_is_rounded_to_even_as_torchvision_does()
    {
        Tensor image = Tensor.FromBytes(ElementType.UInt8, [5, 5, 1], Enumerable.Range(0, 25).Select(i => (byte)i).ToArray());

        // (5 − 4) / 2 and (5 − 2) / 2 are halves: 0 and 2 are even.
        Assert.AreEqual(0, ImageResizer.Resize(image, 4, 4, ResizeMode.Crop, shorterSide: 5).Span<byte>()[0]);
        Assert.AreEqual(12, ImageResizer.Resize(image, 2, 2, ResizeMode.Crop, shorterSide: 5).Span<byte>()[0]);
    }

    [TestMethod]
    [DataRow(37, 53, 16, 16, false)]
    [DataRow(37, 53, 16, 16, true)]
    [DataRow(9, 7, 30, 40, false)]
    [DataRow(9, 7, 30, 40, true)]
    [DataRow(64, 20, 20, 64, true)]
    public void Agrees_with_the_filter_by_its_definition_to_one_level(int height, int width, int toHeight, int toWidth, bool cubic)
    {
        Random random = new(height + width);
        byte[] pixels = new byte[height * width];
        random.NextBytes(pixels);
        Tensor image = Tensor.FromBytes(ElementType.UInt8, [height, width, 1], pixels);

        byte[] found = ImageResizer.Resize(image, toHeight, toWidth, ResizeMode.Stretch, cubic ? Interpolation.Bicubic : Interpolation.Bilinear).Data.ToArray();

        double[] narrow = new double[height * toWidth];
        for (int y = 0; y < height; y++)
        {
            double[] row = [.. Enumerable.Range(0, width).Select(x => (double)pixels[y * width + x])];
            Filtered(row, toWidth, cubic).CopyTo(narrow, y * toWidth);
        }

        for (int x = 0; x < toWidth; x++)
        {
            double[] column = [.. Enumerable.Range(0, height).Select(y => ToLevel(narrow[y * toWidth + x]))];
            double[] expected = Filtered(column, toHeight, cubic);
            for (int y = 0; y < toHeight; y++)
            {
                Assert.AreEqual(ToLevel(expected[y]), found[y * toWidth + x], 1, $"{y}, {x}");
            }
        }
    }

    // Halves go up, those that double precision puts a hair below as well.
    private static double ToLevel(double value) => Math.Floor(value + 0.5 + 1e-9);

    /// <summary>Every source pixel weighed by the filter around the target pixel's centre, without a thought for speed.</summary>
    private static double[] Filtered(double[] source, int count, bool cubic)
    {
        double scale = (double)source.Length / count;
        double unit = Math.Max(scale, 1);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            double[] weights = [.. Enumerable.Range(0, source.Length).Select(k => Weight(Math.Abs(k + 0.5 - (i + 0.5) * scale) / unit))];
            return Math.Clamp(weights.Zip(source, (weight, value) => weight * value).Sum() / weights.Sum(), 0, 255);
        })];

        double Weight(double t) => !cubic ? Math.Max(0, 1 - t)
            : t < 1 ? 1.5 * t * t * t - 2.5 * t * t + 1
            : t < 2 ? -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2
            : 0;
    }
}
