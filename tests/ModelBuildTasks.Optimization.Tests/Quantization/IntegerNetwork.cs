using Microsoft.ML.OnnxRuntime;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>
/// Builds a network with one input x and one output y whose layers are large enough to gain from integers, quantizes it, and shows what ONNX
/// Runtime makes of it.
/// </summary>
internal sealed class IntegerNetwork
{
    internal const int Channels = 64;
    internal const int Side = 14;

    private static readonly long[] ImageShape = [1, Channels, Side, Side];

    private readonly long[] shape;
    private int seed = 100;

    private IntegerNetwork(long[] shape, long opset)
    {
        this.shape = shape;
        Model = Model.Create("g", opset, 8);
        X = Graph.AddInput("x", new TensorType(ElementType.Float, [.. shape.Select(size => (Dimension)size)]));
    }

    internal Model Model { get; }

    internal Graph Graph => Model.Graph;

    internal Value X { get; }

    /// <summary>What the network was before it was quantized.</summary>
    internal Model? Before { get; private set; }

    internal PassOutcome? Outcome { get; private set; }

    internal string Refusals => string.Join("\n", Outcome!.Refusals);

    /// <summary>A network on images of 64 channels and 14×14 pixels: what <paramref name="body"/> makes of the input, pooled, and read by a last product.</summary>
    internal static IntegerNetwork OnImages(Func<IntegerNetwork, Value> body, long opset = 13)
    {
        IntegerNetwork network = new(ImageShape, opset);
        Value pooled = network.Graph.Add("Flatten", network.Graph.Add("GlobalAveragePool", body(network)));
        network.Finish(network.Graph.Add("MatMul", pooled, network.Weight("last", Channels, 10)));
        return network;
    }

    /// <summary>A network on an input of any shape.</summary>
    internal static IntegerNetwork On(long[] shape, Func<IntegerNetwork, Value> body, long opset = 13)
    {
        IntegerNetwork network = new(shape, opset);
        network.Finish(body(network));
        return network;
    }

    internal Value Weight(string name, params long[] dimensions) =>
        Graph.AddInitializer(name, GeneratedSamples.Numbers(seed++, dimensions, -0.1f, 0.1f));

    /// <summary>A 3×3 convolution with bias that keeps the size of the image.</summary>
    internal Value Convolution(Value input, int inputs = Channels, int outputs = Channels) =>
        Graph.AddNode("Conv", [input, Weight("W", outputs, inputs, 3, 3), Weight("b", outputs)], name: $"conv{seed}")
            .Set("pads", [1L, 1, 1, 1]).Output;

    internal Value Clip(Value input, float lowest, float highest) =>
        Graph.Add("Clip", input, Graph.AddInitializer("lowest", Tensor.Scalar(lowest)), Graph.AddInitializer("highest", Tensor.Scalar(highest)));

    /// <summary>Quantizes with 16 samples of even numbers from [−1, 1], or with the given ones.</summary>
    internal IntegerNetwork Quantize(TargetProfile? target = null, Dataset? samples = null)
    {
        Before = Model.Clone();
        Outcome = new StaticQuantization().Apply(Model, new PassContext(target ?? TargetProfiles.CpuX64, samples ?? Samples));
        return this;
    }

    internal Dataset Samples => GeneratedSamples.Even(16, shape);

    internal Tensor Example => GeneratedSamples.Numbers(1000, shape);

    /// <summary>How many nodes of each operator ONNX Runtime runs after its own optimizations.</summary>
    internal Dictionary<string, int> Fused()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.onnx");
        try
        {
            using SessionOptions options = new() { OptimizedModelFilePath = path, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            using (new InferenceSession(Model.ToBytes(), options))
            {
            }

            return Model.Load(path).Graph.Nodes.CountBy(node => node.OpType).ToDictionary();
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Fails unless each of the operators runs as often as stated, 0 for not at all.</summary>
    internal void AssertFused(params ReadOnlySpan<(string OpType, int Count)> expected)
    {
        Assert.IsTrue(Outcome!.Changed, Outcome.Explanation);
        Dictionary<string, int> fused = Fused();
        string all = string.Join(", ", fused.Select(entry => $"{entry.Value}× {entry.Key}"));
        foreach ((string opType, int count) in expected)
        {
            Assert.AreEqual(count, fused.GetValueOrDefault(opType), $"{opType} in {all}");
        }
    }

    /// <summary>Fails unless the quantized network answers as the float one does, to within a share of the answer's range.</summary>
    internal void AssertAnswersAlike(double tolerance = 0.05)
    {
        using ModelSession before = ModelSession.Open(Before!);
        using ModelSession after = ModelSession.Open(Model);
        Assert.IsLessThanOrEqualTo(tolerance, RealModels.RelativeError(before.Run([Example])[0], after.Run([Example])[0]));
    }

    /// <summary>The nodes of one operator in the model as it is written, before ONNX Runtime fuses.</summary>
    internal Node[] Nodes(string opType) => [.. Graph.TopologicalOrder().Where(node => node.OpType == opType)];

    private void Finish(Value result)
    {
        result.Name = "y";
        Graph.AddOutput(result);
    }
}
