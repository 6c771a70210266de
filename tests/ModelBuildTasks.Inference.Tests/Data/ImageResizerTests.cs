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
}
