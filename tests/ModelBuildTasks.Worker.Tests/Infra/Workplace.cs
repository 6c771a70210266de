using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>A folder of one test's own, with a model, its data, a cache and a place for the output.</summary>
internal sealed class Workplace : IDisposable
{
    internal const string PreviousOutput = "what the last build made";

    internal string Folder { get; } = Directory.CreateTempSubdirectory("modelbuild-worker-").FullName;

    internal string ModelPath => this["model.onnx"];

    internal string OutputPath => this["obj/model.cpu.onnx"];

    internal string Cache => this["cache"];

    internal string this[string name] => Path.Combine(Folder, name);

    internal static Workplace With(Model model)
    {
        Workplace place = new();
        model.Save(place.ModelPath);
        return place;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Samples for input x; the labels are the model's own answers, so that its accuracy is 1.</summary>
    internal string WriteData(string name, int count = 64, int seed = 7, bool labelled = true)
    {
        using ModelSession session = ModelSession.Open(ModelPath);
        long[] shape = [.. session.Inputs[0].Shape.Skip(1).Select(dimension => dimension.Size!.Value)];
        int length = (int)shape.Aggregate(1L, (product, size) => product * size);
        Random random = new(seed);
        float[] values = [.. Enumerable.Range(0, count * length).Select(_ => random.NextSingle() * 2 - 1)];
        NumpyWriter.Write(this[$"{name}/x.npy"], [count, .. shape], values);
        if (labelled)
        {
            NumpyWriter.Write(this[$"{name}/labels.npy"], [count], [.. values.Chunk(length).Select(sample => Answer(session, shape, sample))]);
        }

        return this[name];
    }

    /// <summary>A request that measures no latency, for <c>cpu</c>, with an artifact of an earlier build in place of the output.</summary>
    internal OptimizationRequest Request(Action<OptimizationRequest>? change = null)
    {
        OptimizationRequest request = new()
        {
            ModelPath = ModelPath,
            Name = "model",
            Target = TargetNames.Cpu,
            Measurement = Measurement.Skip,
            OutputPath = OutputPath,
            ResultPath = this["obj/model.cpu.result.json"],
            CacheDirectory = Cache,
        };
        change?.Invoke(request);
        return request;
    }

    internal void WritePreviousOutput()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(OutputPath)!);
        File.WriteAllText(OutputPath, PreviousOutput);
    }

    /// <summary>Runs a request that must fail: one error of that code, and nothing of the previous build touched.</summary>
    internal Diagnostic Fails(string code, OptimizationRequest request)
    {
        WritePreviousOutput();
        OptimizationResult result = Run(request);
        Assert.IsFalse(result.Succeeded);
        Diagnostic diagnostic = result.Diagnostics.Single();
        Assert.AreEqual(code, diagnostic.Code, diagnostic.Message);
        AssertUntouched();
        return diagnostic;
    }

    internal void AssertUntouched()
    {
        Assert.AreEqual(PreviousOutput, File.ReadAllText(OutputPath));
        CollectionAssert.AreEqual(new[] { OutputPath }, Directory.GetFiles(Path.GetDirectoryName(OutputPath)!), "No temporary file may stay.");
    }

    internal static OptimizationResult Run(OptimizationRequest request, Action<PipelineProgress>? watch = null, CancellationToken cancellation = default) =>
        new OptimizationPipeline(new Watch(watch)).Run(request, cancellation);

    private static long Answer(ModelSession session, long[] shape, float[] sample)
    {
        float[] scores = session.Run([Tensor.Create([1, .. shape], sample)])[0].ToSingles();
        return Array.IndexOf(scores, scores.Max());
    }

    /// <summary>Unlike <see cref="Progress{T}"/>, on the pipeline's own thread.</summary>
    private sealed class Watch(Action<PipelineProgress>? action) : IProgress<PipelineProgress>
    {
        public void Report(PipelineProgress value) => action?.Invoke(value);
    }
}
