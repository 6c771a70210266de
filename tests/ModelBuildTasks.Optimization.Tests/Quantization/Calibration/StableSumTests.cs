using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Calibration;

[TestClass]
public sealed class StableSumTests
{
    [TestMethod]
    public void Is_the_same_wherever_the_numbers_lie_in_memory()
    {
        float[] numbers = Observations.Bell(1003);
        double sum = StableSum.Of(numbers), squares = StableSum.OfSquares(numbers);
        for (int offset = 0; offset < 17; offset++)
        {
            float[] moved = [.. new float[offset], .. numbers];
            Assert.AreEqual(sum, StableSum.Of(moved.AsSpan(offset)));
            Assert.AreEqual(squares, StableSum.OfSquares(moved.AsSpan(offset)));
        }
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(5)]
    [DataRow(8)]
    [DataRow(1003)]
    public void Adds_all_numbers(int count)
    {
        float[] numbers = Observations.Bell(count);
        Assert.AreEqual(numbers.Sum(number => (double)number), StableSum.Of(numbers), 1e-9);
        Assert.AreEqual(numbers.Sum(number => (double)number * number), StableSum.OfSquares(numbers), 1e-9);
    }
}
