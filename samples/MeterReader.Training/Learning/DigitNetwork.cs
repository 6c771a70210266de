using MeterReader.Training.Drawing;
using ModelBuildTasks.Onnx;

namespace MeterReader.Training.Learning;

/// <summary>
/// The digit classifier: <c>pixels</c> float [batch, 1, 32, 24] in [0, 1] to <c>scores</c> float [batch, 10] (logits). A strided stem, a
/// depthwise-separable block, a residual block and two strided convolutions, then the mean over positions and a linear layer.
/// Most of the work is in dense 3 × 3 convolutions with channels in multiples of 16, the form that int8 kernels gain most on.
/// </summary>
internal static class DigitNetwork
{
    public const string Input = "pixels";
    public const string Output = "scores";
    public const int Classes = 10;

    private const long Opset = 17;
    private const long IrVersion = 8;

    /// <summary>An untrained network with weights drawn from the seed (He et al. 2015).</summary>
    public static Model Create(ulong seed)
    {
        Model model = Model.Create("digits", Opset, IrVersion);
        model.ProducerName = "MeterReader.Training";
        Builder network = new(model.Graph, new RandomStream(seed, StreamPurpose.Weights, 0));
        Value x = model.Graph.AddInput(Input, new TensorType(ElementType.Float, "batch", 1, DigitImage.Height, DigitImage.Width));

        x = network.Convolution("stem", x, from: 1, to: 32, kernel: 3, stride: 2);
        x = network.Convolution("depthwise", x, from: 32, to: 32, kernel: 3, stride: 1, groups: 32);
        x = network.Convolution("pointwise", x, from: 32, to: 64, kernel: 1, stride: 1);
        x = network.Convolution("reduce1", x, from: 64, to: 64, kernel: 3, stride: 2);
        x = network.Residual("residual", x, channels: 64);
        x = network.Convolution("reduce2", x, from: 64, to: 128, kernel: 3, stride: 2);
        x = network.Convolution("top", x, from: 128, to: 128, kernel: 3, stride: 1);
        x = model.Graph.AddNode("GlobalAveragePool", [x], name: "pool").Output;
        x = model.Graph.AddNode("Flatten", [x], name: "flatten").Output;
        x = network.Linear("classifier", x, from: 128, to: Classes);
        x.Name = Output;
        x.Type = new TensorType(ElementType.Float, "batch", Classes);
        model.Graph.AddOutput(x);
        return model;
    }

    /// <summary>Number of weights, running statistics not counted.</summary>
    public static long CountParameters(Model model) =>
        model.Graph.Initializers.Where(value => !value.Name.EndsWith(".mean", StringComparison.Ordinal) && !value.Name.EndsWith(".variance", StringComparison.Ordinal))
            .Sum(value => value.Initializer!.Length);

    private sealed class Builder(Graph graph, RandomStream random)
    {
        /// <summary>Convolution, BatchNormalization and, unless told otherwise, Relu.</summary>
        public Value Convolution(string name, Value x, int from, int to, int kernel, int stride, int groups = 1, bool activate = true)
        {
            int pad = kernel / 2;
            Value weight = Drawn($"{name}.weight", [to, from / groups, kernel, kernel], fanIn: from / groups * kernel * kernel);
            Value y = graph.AddNode("Conv", [x, weight], name: name)
                .Set("kernel_shape", [kernel, kernel])
                .Set("strides", [stride, stride])
                .Set("pads", [pad, pad, pad, pad])
                .Set("group", groups).Output;
            y = graph.AddNode(
                "BatchNormalization",
                [y, Filled($"{name}.gamma", to, 1), Filled($"{name}.beta", to, 0), Filled($"{name}.mean", to, 0), Filled($"{name}.variance", to, 1)],
                name: $"{name}.normalization").Output;
            return activate ? graph.AddNode("Relu", [y], name: $"{name}.relu").Output : y;
        }

        /// <summary>Relu(x + f(x)) with f two convolutions.</summary>
        public Value Residual(string name, Value x, int channels)
        {
            Value y = Convolution($"{name}.first", x, channels, channels, kernel: 3, stride: 1);
            y = Convolution($"{name}.second", y, channels, channels, kernel: 3, stride: 1, activate: false);
            y = graph.AddNode("Add", [x, y], name: $"{name}.add").Output;
            return graph.AddNode("Relu", [y], name: $"{name}.relu").Output;
        }

        public Value Linear(string name, Value x, int from, int to) =>
            graph.AddNode("Gemm", [x, Drawn($"{name}.weight", [to, from], from), Filled($"{name}.bias", to, 0)], name: name).Set("transB", 1).Output;

        private Value Drawn(string name, long[] shape, int fanIn)
        {
            float[] values = new float[shape.Aggregate(1L, (product, size) => product * size)];
            float deviation = MathF.Sqrt(2f / fanIn);
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = random.Normal() * deviation;
            }

            return graph.AddInitializer(name, Tensor.Create(shape, values));
        }

        private Value Filled(string name, int count, float value)
        {
            float[] values = new float[count];
            Array.Fill(values, value);
            return graph.AddInitializer(name, Tensor.Create([count], values));
        }
    }
}
