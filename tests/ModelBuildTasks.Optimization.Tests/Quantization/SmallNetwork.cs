using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Builds networks of one input, [1, 32, 16, 16] unless another shape is given, large enough for integers to pay.</summary>
internal sealed class SmallNetwork
{
    internal const int Channels = 32;

    private readonly Random random = new(7);
    private readonly long[] shape;

    internal SmallNetwork(long opset = 13, long[]? shape = null)
    {
        this.shape = shape ?? InputShape;
        Model = Model.Create("test", opset, 7);
        Input = Model.Graph.AddInput("x", new TensorType(ElementType.Float, [.. this.shape.Select(size => (Dimension)size)]));
    }

    internal Model Model { get; }

    internal Value Input { get; }

    internal Graph Graph => Model.Graph;

    internal static long[] InputShape => [1, Channels, 16, 16];

    internal ListedSamples Samples => ListedSamples.Random(shape, 8);

    internal Value Weight(string name, params long[] shape) => Graph.AddInitializer(name, Weights.Uniform(random, shape, -0.1f, 0.1f));

    /// <summary>A 3×3 convolution with bias that keeps the size.</summary>
    internal Value Convolve(Value input, string name, int inputs = Channels, int outputs = Channels)
    {
        Node node = Graph.AddNode("Conv", [input, Weight(name + ".w", outputs, inputs, 3, 3), Weight(name + ".b", outputs)], name: name).Set("pads", [1L, 1, 1, 1]);
        return node.Output;
    }

    internal Value Constant(string name, params long[] values) => Graph.AddInitializer(name, Tensor.Vector(values));

    /// <summary>Ends the network in a pooling and ten outputs.</summary>
    internal void Classify(Value input, int channels = Channels)
    {
        Value flat = Graph.Add("Flatten", Graph.Add("GlobalAveragePool", input));
        Output(Graph.AddNode("Gemm", [flat, Weight("classes.w", channels, 10), Weight("classes.b", 10)], name: "classes").Output);
    }

    internal void Output(Value value)
    {
        value.Name = "y";
        value.Type = new TensorType(ElementType.Float, (IReadOnlyList<Dimension>?)null);
        Graph.AddOutput(value);
    }

    internal PassOutcome Quantize(TargetProfile? target = null) =>
        new StaticQuantization().Apply(Model, new PassContext(target ?? TargetProfiles.CpuX64, Samples));

    /// <summary>Quantizes, and gives the error against float as a share of the output's range.</summary>
    internal double QuantizationError(TargetProfile? target = null)
    {
        Tensor sample = Samples.Read().First().Inputs[0];
        Tensor before = Run(sample);
        PassOutcome outcome = Quantize(target);
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        return RealModels.RelativeError(before, Run(sample));
    }

    private Tensor Run(Tensor sample)
    {
        using ModelSession session = ModelSession.Open(Model);
        return session.Run([sample])[0];
    }
}
