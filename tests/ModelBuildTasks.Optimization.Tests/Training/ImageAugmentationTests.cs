using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training.Augmentation;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ImageAugmentationTests
{
    [TestMethod]
    [DataRow(new long[] { 1, 3, 16, 12 }, true)]
    [DataRow(new long[] { 1, 16, 12, 3 }, true)]
    [DataRow(new long[] { 1, 1, 8, 8 }, true)]
    [DataRow(new long[] { 1, 64, 16, 16 }, false)]
    [DataRow(new long[] { 2, 3, 16, 16 }, false)]
    [DataRow(new long[] { 1, 3, 4, 4 }, false)]
    [DataRow(new long[] { 1, 784 }, false)]
    public void Takes_what_is_one_image(long[] shape, bool isTaken) =>
        Assert.AreEqual(isTaken, ImageAugmentation.Takes(Tensor.Create(shape, new float[shape.Aggregate(1L, (product, size) => product * size)])));

    [TestMethod]
    public void Bytes_are_left_alone() => Assert.IsFalse(ImageAugmentation.Takes(Tensor.Create([1, 3, 8, 8], new byte[192])));

    [TestMethod]
    public void Stays_within_the_range_of_the_image_and_keeps_its_shape()
    {
        Tensor image = Slope([1, 3, 16, 12]);
        for (int seed = 0; seed < 50; seed++)
        {
            Tensor other = new ImageAugmentation(mayMirror: true).Apply(image, new Random(seed));

            CollectionAssert.AreEqual(image.Dimensions.ToArray(), other.Dimensions.ToArray());
            Assert.IsTrue(other.ToSingles().All(value => value is >= 0 and <= 1));
        }
    }

    [TestMethod]
    public void Is_another_each_time_and_the_same_from_the_same_seed()
    {
        Tensor image = Slope([1, 1, 16, 12]);
        float[] Apply(int seed) => new ImageAugmentation(mayMirror: false).Apply(image, new Random(seed)).ToSingles();

        CollectionAssert.AreEqual(Apply(1), Apply(1));
        CollectionAssert.AreNotEqual(Apply(1), Apply(2));
    }

    [TestMethod]
    [DataRow(new long[] { 1, 2, 8, 9 })]
    [DataRow(new long[] { 1, 8, 9, 2 })]
    public void A_mirror_image_changes_left_and_right_alone(long[] shape)
    {
        Tensor image = Slope(shape);

        Tensor mirror = ImageAugmentation.Mirror(image);

        bool areChannelsLast = shape[3] == 2;
        for (int channel = 0; channel < 2; channel++)
        {
            for (int y = 0; y < 8; y++)
            {
                for (int x = 0; x < 9; x++)
                {
                    Assert.AreEqual(At(image, channel, y, 8 - x), At(mirror, channel, y, x));
                }
            }
        }

        float At(Tensor tensor, int channel, int y, int x) => tensor.Span<float>()[areChannelsLast ? (((y * 9) + x) * 2) + channel : (((channel * 8) + y) * 9) + x];
    }

    private static Tensor Slope(long[] shape)
    {
        int length = (int)shape.Aggregate(1L, (product, size) => product * size);
        return Tensor.Create(shape, [.. Enumerable.Range(0, length).Select(i => (float)i / length)]);
    }
}
