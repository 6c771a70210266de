using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ParameterTests
{
    [TestMethod]
    public void A_mask_hides_values_and_keeps_them()
    {
        Parameter parameter = new("w", Tensor.Vector(1f, 2f, 3f)) { Mask = [true, false, true] };

        CollectionAssert.AreEqual(new[] { 1f, 0, 3 }, parameter.Seen);
        CollectionAssert.AreEqual(new[] { 1f, 2, 3 }, parameter.Values);
    }

    [TestMethod]
    public void What_was_hidden_comes_back_without_a_mask()
    {
        Parameter parameter = new("w", Tensor.Vector(1f, 2f)) { Mask = [false, false] };
        parameter.Mask = null;

        CollectionAssert.AreEqual(new[] { 1f, 2 }, parameter.Seen);
    }

    [TestMethod]
    [DataRow(0f)]
    [DataRow(-1f)]
    [DataRow(float.NaN)]
    public void What_moves_by_factors_is_positive(float start) =>
        Assert.ThrowsExactly<ArgumentException>(() => new Parameter("scale", Tensor.Vector(start), isRelative: true));
}
