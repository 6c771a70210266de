using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>Networks that build and run in milliseconds, with weights drawn from a seed.</summary>
internal static class SmallModels
{
    internal const int Classes = 4;

    /// <summary>From here on convolutions may be of bfloat16.</summary>
    internal const long BFloat16Opset = 22;

    /// <summary>x: Float[N, 1, 8, 8] → Conv, BatchNormalization, Relu, Conv, Relu, GlobalAveragePool, Flatten, Gemm → scores: Float[N, 4].</summary>
    internal static Model Cnn(int seed = 1)
    {
        Random random = new(seed);
        Model model = Create(1, 8, 8);
        Graph graph = model.Graph;
        Value convolved = Convolve(graph, graph.Inputs[0], random, inputs: 1, outputs: 16);
        Value normalized = graph.Add(
            "BatchNormalization", convolved, Vector(graph, "gamma", random, 16, 0.5f, 1.5f), Vector(graph, "beta", random, 16, -0.1f, 0.1f),
            Vector(graph, "mean", random, 16, -0.1f, 0.1f), Vector(graph, "variance", random, 16, 0.5f, 1.5f));
        Value features = graph.Add("Relu", Convolve(graph, graph.Add("Relu", normalized), random, inputs: 16, outputs: 16));
        Value pooled = graph.Add("Flatten", graph.Add("GlobalAveragePool", features));
        Finish(graph, Dense(graph, pooled, random, 16, Classes));
        return model;
    }

    /// <summary>x: Float[N, 64] → Gemm, Relu, Gemm → scores: Float[N, 4].</summary>
    internal static Model Mlp(int seed = 1, int width = 128)
    {
        Random random = new(seed);
        Model model = Create(64);
        Value hidden = model.Graph.Add("Relu", Dense(model.Graph, model.Graph.Inputs[0], random, 64, width));
        Finish(model.Graph, Dense(model.Graph, hidden, random, width, Classes));
        return model;
    }

    /// <summary>x: Float[N, 64] → Gemm, Relu, Gemm, Relu, Gemm → scores: Float[N, 4], large enough for integers to pay except in the last layer.</summary>
    internal static Model WideMlp(int seed = 1)
    {
        const int width = 512;
        Random random = new(seed);
        Model model = Create(64);
        Value hidden = model.Graph.Add("Relu", Dense(model.Graph, model.Graph.Inputs[0], random, 64, width));
        hidden = model.Graph.Add("Relu", Dense(model.Graph, hidden, random, width, width));
        Finish(model.Graph, Dense(model.Graph, hidden, random, width, Classes));
        return model;
    }

    /// <summary>x: Float[N, 64] → Relu → scores: a network with nothing to optimize.</summary>
    internal static Model Plain()
    {
        Model model = Create(64);
        Finish(model.Graph, model.Graph.Add("Relu", model.Graph.Inputs[0]), 64);
        return model;
    }

    /// <summary>One of these networks in bfloat16, inputs, outputs and all.</summary>
    internal static Model InBFloat16(Model model)
    {
        (model.Opset, model.IrVersion) = (BFloat16Opset, 10);
        foreach (Value value in model.Graph.Initializers)
        {
            value.Initializer = Tensor.CreateBFloat16([.. value.Initializer!.Dimensions], value.Initializer.Span<float>());
        }

        foreach (Value value in model.Graph.Inputs.Concat(model.Graph.Outputs))
        {
            value.Type = value.Type! with { ElementType = ElementType.BFloat16 };
        }

        return model;
    }

    private static Model Create(params long[] sample)
    {
        Model model = Model.Create("small", opset: 17, irVersion: 8);
        model.Graph.AddInput("x", new TensorType(ElementType.Float, [new Dimension(null, "N"), .. sample.Select(size => new Dimension(size, null))]));
        return model;
    }

    private static void Finish(Graph graph, Value output, long width = Classes)
    {
        output.Name = "scores";
        output.Type = new TensorType(ElementType.Float, [new Dimension(null, "N"), new Dimension(width, null)]);
        graph.AddOutput(output);
    }

    private static Value Convolve(Graph graph, Value input, Random random, int inputs, int outputs)
    {
        Node node = graph.AddNode("Conv", [input, Weight(graph, random, [outputs, inputs, 3, 3], inputs * 9)]);
        node.Set("pads", [1L, 1, 1, 1]);
        return node.Output;
    }

    private static Value Dense(Graph graph, Value input, Random random, int inputs, int outputs) =>
        graph.Add("Gemm", input, Weight(graph, random, [inputs, outputs], inputs), Vector(graph, "bias", random, outputs, -0.01f, 0.01f));

    private static Value Weight(Graph graph, Random random, long[] dimensions, int fanIn)
    {
        float bound = MathF.Sqrt(6f / fanIn);
        return graph.AddInitializer("weight", Tensor.Create(dimensions, Draw(random, (int)dimensions.Aggregate((a, b) => a * b), -bound, bound)));
    }

    private static Value Vector(Graph graph, string name, Random random, int length, float low, float high) =>
        graph.AddInitializer(name, Tensor.Vector(Draw(random, length, low, high)));

    private static float[] Draw(Random random, int count, float low, float high) =>
        [.. Enumerable.Range(0, count).Select(_ => low + (high - low) * random.NextSingle())];
}
