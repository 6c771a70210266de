using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Refitting;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class HeldSamplesTests
{
    private const int Samples = 3;

    private const int BytesOfSample = 2 * sizeof(float);

    [TestMethod]
    public void Samples_that_fit_are_read_once_and_stay_in_order()
    {
        CountingDataset stored = new();

        Dataset held = HeldSamples.Of(stored, Samples * BytesOfSample);

        for (int pass = 0; pass < 2; pass++)
        {
            CollectionAssert.AreEqual(new float[] { 0, 1, 2 }, held.Read().Select(sample => sample.Inputs[0].Span<float>()[0]).ToArray());
        }

        Assert.AreEqual(Samples, held.Count);
        Assert.AreEqual(Samples, stored.Decoded);
    }

    [TestMethod]
    public void Samples_that_do_not_fit_are_left_where_they_are_after_a_look_at_the_first()
    {
        CountingDataset stored = new();

        Assert.AreSame(stored, HeldSamples.Of(stored, Samples * BytesOfSample - 1));

        Assert.AreEqual(1, stored.Decoded);
    }

    private sealed class CountingDataset : Dataset
    {
        internal int Decoded { get; private set; }

        public override string Path => "counting";

        public override int Count => Samples;

        public override bool HasLabels => false;

        public override IEnumerable<Sample> Read()
        {
            for (int i = 0; i < Samples; i++)
            {
                Decoded++;
                yield return new Sample([Tensor.Create<float>([1, 2], [i, 0])], null);
            }
        }
    }
}
