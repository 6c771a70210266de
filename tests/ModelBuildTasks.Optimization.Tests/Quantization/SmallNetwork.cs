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

    /// <summary>Convolutions one behind the other, each with a Relu, named conv0 and on; then ten outputs.</summary>
    internal static SmallNetwork Chain(int layers, out Node[] convolutions)
    {
        SmallNetwork network = new();
        Value value = network.Input;
        convolutions = new Node[layers];
        for (int i = 0; i < layers; i++)
        {
            value = network.Convolve(value, $"conv{i}");
            convolutions[i] = value.Producer!;
            value = network.Graph.Add("Relu", value);
        }

        network.Classify(value);
        return network;
    }

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

    /// <summary>One channel of the input is so loud that the others have one code left; the first layer evens it out by its weights.</summary>
    internal ListedSamples WithLoudChannel(Node first)
    {
        const float Loudness = 1000;
        float[] weights = first.Inputs[1]!.Initializer!.ToSingles();
        int filter = weights.Length / Channels;
        int taps = filter / Channels;
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] /= i % filter < taps ? Loudness : 1;
        }

        first.Inputs[1]!.Initializer = Tensor.Create([.. first.Inputs[1]!.Initializer!.Dimensions], weights);
        return new ListedSamples([.. Samples.Read().Select(sample =>
        {
            float[] numbers = sample.Inputs[0].ToSingles();
            for (int i = 0; i < numbers.Length / Channels; i++)
            {
                numbers[i] *= Loudness;
            }

            return Tensor.Create(InputShape, numbers);
        })]);
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
