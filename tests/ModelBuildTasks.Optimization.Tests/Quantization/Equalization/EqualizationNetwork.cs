using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Equalization;

/// <summary>A network whose channels differ in size by up to a hundred.</summary>
internal sealed class EqualizationNetwork
{
    internal const int Channels = 8;

    private readonly Random random = new(5);

    internal EqualizationNetwork()
    {
        Model = Model.Create("test", 13, 7);
        Input = Model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, Channels, 12, 12));
    }

    internal Model Model { get; }

    internal Value Input { get; }

    internal Graph Graph => Model.Graph;

    internal ListedSamples Samples { get; } = ListedSamples.Random([1, Channels, 12, 12], 8);

    /// <summary>A convolution of filter 3 that keeps the size, the magnitudes of its outputs spread evenly over two decades.</summary>
    internal Value Uneven(Value input, string name, int inputs = Channels, int outputs = Channels, int group = 1, string op = "Conv")
    {
        long[] shape = op == "Conv" ? [outputs, inputs / group, 3, 3] : [inputs, outputs / group, 3, 3];
        float[] weight = Weights.Uniform(random, shape).ToSingles();
        float[] bias = Weights.Uniform(random, [outputs]).ToSingles();
        int inner = weight.Length / (int)shape[0];
        for (int i = 0; i < weight.Length; i++)
        {
            int output = op == "Conv" ? i / inner : i / inner / (inputs / group) * (outputs / group) + i / 9 % (outputs / group);
            weight[i] *= Size(output);
        }

        for (int o = 0; o < outputs; o++)
        {
            bias[o] *= Size(o);
        }

        return Graph.AddNode(op, [input, Graph.AddInitializer(name + ".w", Tensor.Create(shape, weight)), Graph.AddInitializer(name + ".b", Tensor.Vector(bias))], name: name)
            .Set("pads", [1L, 1, 1, 1]).Set("group", group).Output;

        float Size(int output) => MathF.Pow(10, -2f * output / (outputs - 1));
    }

    /// <summary>A Gemm to four outputs.</summary>
    internal Value Product(Value input, int inputs) =>
        Graph.Add("Gemm", input, Graph.AddInitializer("p.w", Weights.Uniform(random, [inputs, 4])), Graph.AddInitializer("p.b", Weights.Uniform(random, [1, 4])));

    internal void Output(Value value)
    {
        value.Name = "y";
        value.Type = new TensorType(ElementType.Float, (IReadOnlyList<Dimension>?)null);
        Graph.AddOutput(value);
    }

    internal PassContext Context(TargetProfile? target = null) => new(target ?? TargetProfiles.CpuX64, Samples);

    internal Tensor[] Run()
    {
        using ModelSession session = ModelSession.Open(Model);
        return [.. Samples.Read().Select(sample => session.Run(sample.Inputs)[0])];
    }
}
