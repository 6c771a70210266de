using ModelBuildTasks.Optimization.Quantization.Rounding;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Rounding;

[TestClass]
public sealed class RoundingEffortTests
{
    [TestMethod]
    [DataRow(15_680, 1, 500, 32, 1, DisplayName = "a product")]
    [DataRow(2_400_000, 64, 150, 32, 2, DisplayName = "small maps")]
    [DataRow(4_700_000, 1024, 177, 4, 2, DisplayName = "large maps")]
    [DataRow(1e9, 50176, 150, 4, 2, DisplayName = "a heavy layer")]
    public void Batches_are_smaller_for_large_maps_and_steps_fewer_for_heavy_blocks(double multiplications, long positions, int iterations, int batch, int shards) =>
        Assert.AreEqual(new RoundingEffort(iterations, batch, shards), RoundingEffort.For(multiplications, positions));
}
