using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>The time of a model's layers by <see cref="KernelCosts"/>, for any number of channels that are left.</summary>
internal sealed class LatencyModel
{
    /// <summary>What a size that nobody knows counts as.</summary>
    private const long UnknownSize = 1;

    private readonly DependencyGraph graph;
    private readonly List<CostedLayer> layers = [];

    private sealed record CostedLayer(Node Node, Value Weight, long[] Output, int OutputAxis, bool IsDepthwise);

    /// <param name="example">A sample, whose run tells sizes that the model leaves open; null where there is none.</param>
    internal LatencyModel(DependencyGraph graph, Sample? example)
    {
        this.graph = graph;
        Node[] nodes = [.. graph.Model.Graph.TopologicalOrder().Where(node => node is { Domain: "", OpType: "Conv" or "ConvTranspose" or "Gemm" or "MatMul" or "LSTM" or "GRU" or "RNN" }
            && node.Input(1)?.Constant is { ElementType: ElementType.Float or ElementType.Float16, Dimensions.Count: >= 2 })];
        IReadOnlyDictionary<Value, long[]> measured = example is null ? new Dictionary<Value, long[]>() : Measure(nodes, example);
        foreach (Node node in nodes)
        {
            Value output = node.Outputs[0];
            if ((measured.GetValueOrDefault(output) ?? graph.ShapeOf(output)?.Select(size => size.Size ?? UnknownSize).ToArray()) is { Length: > 1 } shape)
            {
                shape = node.OpType == "ConvTranspose" ? AsProduct(node, shape) : shape;
                layers.Add(new CostedLayer(node, node.Input(1)!, shape, node.OpType == "Conv" ? 1 : shape.Length - 1, QuantizableOperators.IsDepthwise(node, node.Input(1)!.Constant!)));
            }
        }
    }

    /// <summary>Nanoseconds on one core, without the channels of <paramref name="removed"/> classes.</summary>
    internal double Time(IReadOnlySet<int> removed) => layers.Sum(layer => Sum(layer, removed, KernelCost));

    /// <summary>Multiplications of a run, without the channels of <paramref name="removed"/> classes.</summary>
    internal double Multiplications(IReadOnlySet<int> removed) => layers.Sum(layer => Sum(layer, removed, (plain, output, _) => KernelCosts.Multiplications(plain, output)));

    /// <summary>What is saved when <paramref name="added"/> go after <paramref name="removed"/>; only layers with channels among them are looked at.</summary>
    internal double Saving(IReadOnlySet<int> removed, IReadOnlySet<int> added)
    {
        HashSet<int> both = [.. removed, .. added];
        return layers.Where(layer => Axes(layer).Any(channels => channels.Any(channel => added.Contains(graph.Classes.Find(channel)))))
            .Sum(layer => Sum(layer, removed, KernelCost) - Sum(layer, both, KernelCost));
    }

    private IEnumerable<int[]> Axes(CostedLayer layer) =>
        Enumerable.Range(0, layer.Weight.Constant!.Dimensions.Count).Select(axis => graph.ChannelsOf(new ValueAxis(layer.Weight, axis))).OfType<int[]>();

    private double Sum(CostedLayer layer, IReadOnlySet<int> removed, Func<Layer, long[], bool, double> cost)
    {
        Tensor weight = layer.Weight.Constant!;
        long[] dimensions = [.. weight.Dimensions.Select((size, axis) => Left(new ValueAxis(layer.Weight, axis), size))];
        long[] output = [.. layer.Output];
        output[layer.OutputAxis] = Left(new ValueAxis(layer.Node.Outputs[0], layer.OutputAxis), output[layer.OutputAxis]);

        // Only sizes count, so the first of the elements stand for those that are left.
        long elements = dimensions.Aggregate(1L, (product, size) => product * size);
        Tensor left = Tensor.FromBytes(weight.ElementType, dimensions, weight.Data[..(int)(elements * (weight.Data.Length / weight.Dimensions.Aggregate(1L, (product, size) => product * size)))]);
        return cost(new Layer(layer.Node, left, null, ChannelAxisOf(layer.Node)), output, layer.IsDepthwise);

        long Left(ValueAxis axis, long size) => graph.ChannelsOf(axis) is { } channels ? channels.Count(channel => !removed.Contains(graph.Classes.Find(channel))) : size;
    }

    /// <summary>A transposed convolution multiplies its weights with each pixel that it reads: a product of so many rows.</summary>
    private static long[] AsProduct(Node transposed, long[] output)
    {
        long strides = (transposed.GetInts("strides") ?? []).Aggregate(1L, (product, stride) => product * stride);
        return [output.Aggregate(1L, (product, size) => product * size) / output[1] / strides, output[1]];
    }

    private static double KernelCost(Layer layer, long[] output, bool isDepthwise) => KernelCosts.Float(layer, output, isDepthwise);

    private static int ChannelAxisOf(Node node) => node.OpType == "Conv" || (node.OpType == "Gemm" && node.GetInt("transB", 0) != 0) ? 0 : 1;

    private static Dictionary<Value, long[]> Measure(Node[] nodes, Sample example)
    {
        Value[] outputs = [.. nodes.Select(node => node.Outputs[0]).Where(output => output.Uses.Count > 0 || output.IsOutput)];
        if (outputs.Length == 0)
        {
            return [];
        }

        using ModelSession session = ObservedModel.Open(outputs[0].Graph.Model, outputs);
        using SessionRun run = session.RunBorrowed(example.Inputs);
        return Enumerable.Range(0, outputs.Length).ToDictionary(i => outputs[i], i => run.ShapeOf(i).ToArray());
    }
}
