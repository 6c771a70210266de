using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Measuring;
using ModelBuildTasks.Worker.Processes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Measuring;

[TestClass]
public sealed class PeakMemoryTests : IDisposable
{
    private const int Megabyte = 1 << 20;

    private readonly Workplace place = Workplace.With(SmallModels.Plain());

    public required TestContext TestContext { get; init; }

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void Weights_are_memory()
    {
        // 64 MB of random weights: what is zero, a page may not be there for.
        const int width = 4096;
        Random random = new(1);
        Model model = Model.Create("large", opset: 17, irVersion: 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, width));
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, model.Graph.AddInitializer("w", Tensor.Create([width, width], [.. Enumerable.Range(0, width * width).Select(_ => random.NextSingle())]))));
        model.Save(place["large.onnx"]);

        long small = Measure(place.ModelPath, 64).Bytes!.Value;
        long large = Measure(place["large.onnx"], width).Bytes!.Value;

        Assert.IsLessThan(16 * Megabyte, small);
        Assert.IsGreaterThan(small + 60 * Megabyte, large);
    }

    [TestMethod]
    public void What_a_run_takes_for_a_moment_is_memory_too()
    {
        // 128 MB between two scalars.
        const long length = 32 * Megabyte;
        Model model = Model.Create("wide", opset: 17, irVersion: 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 1));
        Value wide = model.Graph.Add("Expand", x, model.Graph.AddInitializer("shape", Tensor.Vector(1L, length)));
        model.Graph.AddOutput(model.Graph.Add("ReduceMax", model.Graph.Add("Exp", wide)));
        model.Save(place["wide.onnx"]);

        Assert.IsGreaterThan(120 * Megabyte, Measure(place["wide.onnx"], 1).Bytes!.Value);
    }

    [TestMethod]
    public void A_model_that_does_not_run_costs_the_figure_and_tells_why()
    {
        MeasuredMemory memory = Measure(place.ModelPath, width: 5);

        Assert.IsNull(memory.Bytes);
        StringAssert.Contains(memory.Reason, "ended with exit code 1 (");
        StringAssert.Contains(memory.Reason, "MBT4004");
    }

    [TestMethod]
    public void A_process_that_hangs_is_ended()
    {
        MeasuredMemory memory = PeakMemory.Measure(place.ModelPath, Samples(64), threads: 1, TimeSpan.FromMilliseconds(1), TestContext.CancellationToken);

        Assert.IsNull(memory.Bytes);
        StringAssert.Contains(memory.Reason, "did not end within 1ms");
    }

    [TestMethod]
    public void A_build_that_is_cancelled_does_not_wait()
    {
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();

        Assert.ThrowsExactly<OperationCanceledException>(() => PeakMemory.Measure(place.ModelPath, Samples(64), threads: 1, cancelled.Token));
    }

    [TestMethod]
    public void Samples_come_to_the_process_as_they_are()
    {
        IReadOnlyList<IReadOnlyList<Tensor>> samples = [[Tensor.Create([1, 2], [1f, 2f]), Tensor.Scalar(3L)], [Tensor.Create<byte>([0, 3], [])]];
        SampleFile.Write(place["samples"], samples);

        IReadOnlyList<IReadOnlyList<Tensor>> read = SampleFile.Read(place["samples"]);

        CollectionAssert.AreEqual(samples.SelectMany(sample => sample).Select(tensor => tensor.ToString()).ToArray(), read.SelectMany(sample => sample).Select(tensor => tensor.ToString()).ToArray());
        CollectionAssert.AreEqual(new[] { 1f, 2f }, read[0][0].ToSingles());
        Assert.AreEqual(3L, read[0][1].Span<long>()[0]);
    }

    private MeasuredMemory Measure(string path, int width) => PeakMemory.Measure(path, Samples(width), threads: 1, TestContext.CancellationToken);

    private static IReadOnlyList<IReadOnlyList<Tensor>> Samples(int width) => [[Tensor.Create([1, width], new float[width])]];
}
