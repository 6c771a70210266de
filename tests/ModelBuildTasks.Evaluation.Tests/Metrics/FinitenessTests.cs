using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class FinitenessTests
{
    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void A_value_is_lost_where_the_original_is_finite(float value)
    {
        Assert.IsTrue(Finiteness.IsLost(Tensor.Vector(1f, value), Tensor.Vector(1f, 2f)));
        Assert.IsFalse(Finiteness.IsLost(Tensor.Vector(1f, value), Tensor.Vector(1f, float.NaN)));
        Assert.IsTrue(Finiteness.IsLost(Tensor.Vector(value, value), Tensor.Vector(1f, float.NaN)), "An original with one undefined value excuses no other.");
    }

    [TestMethod]
    [DataRow(float.NaN, 1f, true)]
    [DataRow(float.NegativeInfinity, float.PositiveInfinity, true)]
    [DataRow(float.NegativeInfinity, 1f, false)]
    [DataRow(0f, 1f, false)]
    public void An_output_is_undefined_with_a_NaN_or_without_a_number(float first, float second, bool expected) =>
        Assert.AreEqual(expected, Finiteness.IsUndefined(Tensor.Vector(first, second)));

    [TestMethod]
    public void Half_precision_overflows_sooner()
    {
        Assert.IsFalse(Finiteness.IsFinite(Tensor.Vector((Half)70000f)));
        Assert.IsTrue(Finiteness.IsFinite(Tensor.Vector((Half)60000f)));
    }

    [TestMethod]
    public void Whole_numbers_are_always_finite()
    {
        Assert.IsTrue(Finiteness.IsFinite(Tensor.Vector(7L)));
        Assert.IsFalse(Finiteness.IsUndefined(Tensor.Vector(7L)));
    }
}
