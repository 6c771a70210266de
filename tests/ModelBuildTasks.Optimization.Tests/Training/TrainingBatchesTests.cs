using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class TrainingBatchesTests
{
    [TestMethod]
    public void Every_sample_is_in_an_epoch() => CollectionAssert.AreEquivalent(Enumerable.Range(0, 12).ToArray(), Numbers(new TrainingBatches(new Counted(12), 4, seed: 1), 0));

    [TestMethod]
    public void A_short_batch_is_filled()
    {
        TrainingBatches batches = new(new Counted(10), 4, seed: 1);

        Sample[][] epoch = [.. batches.Epoch(0)];

        Assert.AreEqual(3, batches.PerEpoch);
        Assert.HasCount(3, epoch);
        Assert.IsTrue(epoch.All(batch => batch.Length == 4));
        Assert.HasCount(10, epoch.SelectMany(batch => batch.Select(Number)).Distinct().ToArray());
    }

    [TestMethod]
    public void Fewer_samples_than_a_batch_are_repeated() => Assert.HasCount(8, Numbers(new TrainingBatches(new Counted(3), 8, seed: 1), 0));

    [TestMethod]
    public void The_order_is_another_in_each_epoch_and_the_same_from_the_same_seed()
    {
        TrainingBatches one = new(new Counted(50), 5, seed: 1), same = new(new Counted(50), 5, seed: 1), other = new(new Counted(50), 5, seed: 2);

        CollectionAssert.AreEqual(Numbers(one, 3), Numbers(same, 3));
        CollectionAssert.AreNotEqual(Numbers(one, 3), Numbers(one, 4));
        CollectionAssert.AreNotEqual(Numbers(one, 3), Numbers(other, 3));
    }

    [TestMethod]
    public void A_set_that_is_too_large_to_hold_is_read_in_parts()
    {
        Counted data = new(40);
        TrainingBatches batches = new(data, 4, seed: 1, mostBytes: 10 * sizeof(float));

        CollectionAssert.AreEquivalent(Enumerable.Range(0, 40).ToArray(), Numbers(batches, 0));
    }

    [TestMethod]
    public void Samples_of_another_shape_are_left_out()
    {
        int[] numbers = Numbers(new TrainingBatches(new Counted(10) { Odd = 7 }, 3, seed: 1), 0);

        Assert.DoesNotContain(7, numbers);
        Assert.HasCount(9, numbers.Distinct().ToArray());
    }

    private static int[] Numbers(TrainingBatches batches, int epoch) => [.. batches.Epoch(epoch).SelectMany(batch => batch.Select(Number))];

    private static int Number(Sample sample) => (int)sample.Inputs[0].Span<float>()[0];

    private sealed class Counted(int count) : Dataset
    {
        internal int Odd { get; init; } = -1;

        public override string Path => "numbers";

        public override int Count => count;

        public override bool HasLabels => false;

        public override IEnumerable<Sample> Read() =>
            Enumerable.Range(0, count).Select(i => new Sample([i == Odd ? Tensor.Create([1, 2], [i, 0f]) : Tensor.Create([1, 1], [(float)i])], null));
    }
}
