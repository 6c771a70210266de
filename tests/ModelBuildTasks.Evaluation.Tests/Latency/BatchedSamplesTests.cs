using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Latency;

[TestClass]
public sealed class BatchedSamplesTests
{
    private static readonly IReadOnlyList<IReadOnlyList<Tensor>> Samples = [[Tensor.Create([1, 2], [1f, 2f])], [Tensor.Create([1, 2], [3f, 4f])]];

    [TestMethod]
    public void A_batch_gives_what_its_samples_give()
    {
        using ModelSession session = Doubler(null);

        IReadOnlyList<Tensor> batch = BatchedSamples.Of(session, Samples, 3)!;
        Tensor doubled = session.Run(batch).Single();

        CollectionAssert.AreEqual(new long[] { 3, 2 }, doubled.Dimensions.ToArray());
        CollectionAssert.AreEqual(new[] { 2f, 4f, 6f, 8f, 2f, 4f }, doubled.ToSingles());
    }

    [TestMethod]
    public void A_model_with_a_fixed_first_axis_takes_single_samples_only()
    {
        using ModelSession session = Doubler(1);

        Assert.IsNull(BatchedSamples.Of(session, Samples, 8));
        Assert.AreSame(Samples[0], BatchedSamples.Of(session, Samples, 1));
    }

    [TestMethod]
    public void Samples_of_several_sizes_make_no_batch()
    {
        using ModelSession session = Doubler(null);

        Assert.IsNull(BatchedSamples.Of(session, [Samples[0], [Tensor.Create([1, 3], [1f, 2f, 3f])]], 2));
    }

    [TestMethod]
    public void A_batch_that_memory_would_not_hold_is_not_made()
    {
        using ModelSession session = Doubler(null);

        Assert.IsNull(BatchedSamples.Of(session, Samples, int.MaxValue));
    }

    private static ModelSession Doubler(long? batch)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, [new Dimension(batch, batch is null ? "batch" : null), new Dimension(2, null)]));
        model.Graph.AddOutput(model.Graph.Add("Add", x, x));
        return ModelSession.Open(model);
    }
}
