using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class WhereFiniteTests
{
    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.NegativeInfinity)]
    public void Samples_with_a_number_that_is_not_finite_are_left_out(float number)
    {
        Dataset finite = new Vectors(1, number, 3).WhereFinite();

        Assert.AreEqual(2, finite.Count);
        CollectionAssert.AreEqual(new float[] { 1, 3 }, finite.Read().Select(sample => sample.Inputs[0].Span<float>()[0]).ToArray());
    }

    [TestMethod]
    [DataRow(1f)]
    [DataRow(float.NaN)]
    public void Where_all_or_none_are_finite_nothing_is_left_out(float number)
    {
        Vectors all = new(number, number);

        Assert.AreSame(all, all.WhereFinite());
    }

    private sealed class Vectors(params float[] numbers) : Dataset
    {
        public override string Path => "vectors";

        public override int Count => numbers.Length;

        public override bool HasLabels => false;

        public override IEnumerable<Sample> Read() => numbers.Select(number => new Sample([Tensor.Vector(number, 0f)], null));
    }
}
