using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// An encoder as exporters write it: decomposed layer normalizations and Gelu, heads split by arithmetic on shapes, free batch and
/// sequence. With the defaults it has BERT-base's size (434 MB) and some 1,100 nodes; the weights are random: uniform, or "realistic", which
/// is Student's t with 4 degrees of freedom, embeddings of an eighth of full rank, and normalization gains that make some channels ten times the others. On
/// request, normalizations have outliers, as trained ones do: the same few channels, 20 times the others (Dettmers et al., "LLM.int8()", 2022).
/// </summary>
internal sealed class TransformerModel
{
    private const int Heads = 12;
    private const float OutlierGain = 20;

    private readonly Random random = new(1);
    private readonly int width;
    private readonly Model model = Model.Create("transformer", opset: 13, irVersion: 7);

    private readonly bool isRealistic;
    private readonly int outliers;

    private TransformerModel(int width, bool isRealistic, int outliers)
    {
        this.width = width;
        this.isRealistic = isRealistic;
        this.outliers = outliers;
    }

    private Graph Graph => model.Graph;

    internal static Model Create(int layers = 12, int width = 768, int vocabulary = 30522, bool isRealistic = false, int outliers = 0)
    {
        TransformerModel builder = new(width, isRealistic, outliers);
        Graph graph = builder.Graph;
        Value tokens = graph.AddInput("tokens", new TensorType(ElementType.Int64, "batch", "sequence"));
        Value x = builder.Normalize(graph.Add("Gather", isRealistic ? builder.Embedding(vocabulary) : builder.Weight(vocabulary, width), tokens));
        for (int layer = 0; layer < layers; layer++)
        {
            x = builder.Normalize(graph.Add("Add", x, builder.Attend(x)));
            x = builder.Normalize(graph.Add("Add", x, builder.Dense(builder.Gelu(builder.Dense(x, width, 4 * width)), 4 * width, width)));
        }

        x.Name = "encoded";
        x.Type = new TensorType(ElementType.Float, "batch", "sequence", width);
        graph.AddOutput(x);
        return builder.model;
    }

    private Value Attend(Value x)
    {
        Value queries = Graph.AddNode("Transpose", [Split(Dense(x, width, width))]).Set("perm", [0L, 2, 1, 3]).Output;
        Value keys = Graph.AddNode("Transpose", [Split(Dense(x, width, width))]).Set("perm", [0L, 2, 3, 1]).Output;
        Value values = Graph.AddNode("Transpose", [Split(Dense(x, width, width))]).Set("perm", [0L, 2, 1, 3]).Output;
        Value scores = Graph.Add("Div", Graph.Add("MatMul", queries, keys), Number(MathF.Sqrt(width / Heads)));
        Value heads = Graph.Add("MatMul", Graph.AddNode("Softmax", [scores]).Set("axis", -1L).Output, values);
        Value rows = Graph.AddNode("Transpose", [heads]).Set("perm", [0L, 2, 1, 3]).Output;
        return Dense(Graph.Add("Reshape", rows, Shape(rows, Integers(width))), width, width);
    }

    private Value Split(Value x) => Graph.Add("Reshape", x, Shape(x, Integers(Heads), Integers(width / Heads)));

    /// <summary>The first two sizes of a value and what follows, as tracing writes it.</summary>
    private Value Shape(Value x, params Value[] rest)
    {
        Value[] sizes = [.. Enumerable.Range(0, 2).Select(i =>
            Graph.Add("Unsqueeze", Graph.Add("Gather", Graph.Add("Shape", x), Graph.AddNode("Constant", []).Set("value", Tensor.Scalar((long)i)).Output), Integers(0)))];
        return Graph.AddNode("Concat", [.. sizes, .. rest]).Set("axis", 0L).Output;
    }

    private Value Dense(Value x, int inputs, int outputs) => Graph.Add("Add", Graph.Add("MatMul", x, Weight(inputs, outputs)), Weight(outputs));

    private Value Gelu(Value x)
    {
        Value error = Graph.Add("Erf", Graph.Add("Div", x, Number(MathF.Sqrt(2))));
        return Graph.Add("Mul", Graph.Add("Mul", x, Graph.Add("Add", error, Number(1))), Number(0.5f));
    }

    private Value Normalize(Value x)
    {
        Value centered = Graph.Add("Sub", x, Mean(x));
        Value deviation = Graph.Add("Sqrt", Graph.Add("Add", Mean(Graph.Add("Pow", centered, Number(2))), Number(1e-5f)));
        return Graph.Add("Add", Graph.Add("Mul", Graph.Add("Div", centered, deviation), isRealistic ? Gains() : Weight(width)), Weight(width));
    }

    private Value Mean(Value x) => Graph.AddNode("ReduceMean", [x]).Set("axes", [-1L]).Output;

    private Value Number(float value) => Graph.AddNode("Constant", []).Set("value", Tensor.Scalar(value)).Output;

    private Value Integers(params long[] values) => Graph.AddNode("Constant", []).Set("value", Tensor.Vector(values)).Output;

    private Value Weight(params long[] dimensions)
    {
        float[] values = new float[dimensions.Aggregate(1L, (product, size) => product * size)];
        float scale = 1 / MathF.Sqrt(dimensions[0]);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (isRealistic && dimensions.Length > 1 ? HeavyTailed() : random.NextSingle() - 0.5f) * scale;
        }

        return Graph.AddInitializer("weight", Tensor.Create(dimensions, values));
    }

    /// <summary>Mixtures of an eighth as many directions as there are channels, and a little noise: activations are correlated.</summary>
    private Value Embedding(int vocabulary)
    {
        int directions = width / 8;
        float[] mixing = [.. Enumerable.Range(0, directions * width).Select(_ => Gaussian())];
        float[] values = new float[vocabulary * width];
        for (int row = 0; row < vocabulary; row++)
        {
            Span<float> embedding = values.AsSpan(row * width, width);
            for (int channel = 0; channel < width; channel++)
            {
                embedding[channel] = 2 * Gaussian();
            }

            for (int used = 0; used < 4; used++)
            {
                TensorPrimitives.MultiplyAdd(mixing.AsSpan(random.Next(directions) * width, width), 4 * Gaussian(), embedding, embedding);
            }
        }

        return Graph.AddInitializer("embedding", Tensor.Create([vocabulary, width], values));
    }

    private Value Gains()
    {
        float[] gains = [.. Enumerable.Range(0, width).Select(_ => MathF.Exp(0.7f * Gaussian()))];
        for (int i = 0; i < outliers; i++)
        {
            gains[(2 * i + 1) * width / (2 * outliers)] *= OutlierGain;
        }

        return Graph.AddInitializer("gains", Tensor.Vector(gains));
    }

    private float Gaussian() => MathF.Sqrt(-2 * MathF.Log(1 - random.NextSingle())) * MathF.Cos(2 * MathF.PI * random.NextSingle());

    /// <summary>Student's t with 4 degrees of freedom: a Gaussian over the root of half an exponential sum of two.</summary>
    private float HeavyTailed() => Gaussian() / MathF.Sqrt(-(MathF.Log(1 - random.NextSingle()) + MathF.Log(1 - random.NextSingle())) / 2);
}
