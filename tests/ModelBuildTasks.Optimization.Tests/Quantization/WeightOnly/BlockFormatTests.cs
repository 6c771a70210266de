using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class BlockFormatTests
{
    [TestMethod]
    [DataRow(1, 32)]
    [DataRow(3, 32)]
    [DataRow(16, 32)]
    [DataRow(4, 8)]
    [DataRow(4, 48)]
    [DataRow(4, 512)]
    public void Forms_without_a_kernel_are_refused(int bits, int block) =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new BlockFormat(bits, block, IsSymmetric: true));

    [TestMethod]
    [DataRow(300, 128)]
    [DataRow(100, 128)]
    [DataRow(64, 64)]
    [DataRow(33, 64)]
    [DataRow(3, 16)]
    public void A_block_is_no_longer_than_the_inputs_need(int inputs, int expected) =>
        Assert.AreEqual(expected, new BlockFormat(4, 128, IsSymmetric: true).For(inputs).BlockSize);
}
