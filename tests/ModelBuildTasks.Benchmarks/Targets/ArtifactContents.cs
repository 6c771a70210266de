using System.Globalization;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Benchmarks;

/// <summary>The number formats of an artifact's weights and operators, as its graph tells them.</summary>
/// <param name="Weights">The share of numbers of each element type, text.</param>
/// <param name="Integer">Operators that compute in integers.</param>
/// <param name="Half">Operators in float16.</param>
/// <param name="Single">Operators in float32, by name.</param>
internal sealed record ArtifactContents(string Weights, int Integer, int Half, IReadOnlyDictionary<string, int> Single)
{
    private const double LeastShare = 0.005;

    /// <summary>What changes a number's format and computes nothing.</summary>
    private static readonly HashSet<string> Conversions = ["QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast", "Constant"];

    internal static ArtifactContents Of(Model model)
    {
        Dictionary<Value, TensorType> types = ShapeInference.Infer(model.Graph);
        Graph[] graphs = [.. model.Graph.WithSubgraphs()];
        // Layers come in the order of the plan; a graph without integers has none.
        Queue<PlannedLayer> layers = new(WrittenQuantization.Read(model)?.Layers ?? []);
        bool isPlanned = layers.Count > 0;
        (int integer, int half) = (0, 0);
        Dictionary<string, int> single = [];
        foreach (Node node in graphs.SelectMany(graph => graph.TopologicalOrder()).Where(node => !Conversions.Contains(node.OpType) && !node.Subgraphs.Any()))
        {
            bool isInteger = isPlanned && layers.TryPeek(out PlannedLayer? layer) && layer.Name == LinearLayer.Describe(node) ? layers.Dequeue().IsInteger : IsBetweenIntegers(node);
            ElementType?[] touched = [.. node.Inputs.OfType<Value>().Concat(node.Outputs).Select(value => types.GetValueOrDefault(value)?.ElementType)];
            if (isInteger)
            {
                integer++;
            }
            else if (touched.Contains(ElementType.Float16))
            {
                half++;
            }
            else if (touched.Contains(ElementType.Float))
            {
                single[node.OpType] = single.GetValueOrDefault(node.OpType) + 1;
            }
        }

        return new ArtifactContents(Shares(graphs), integer, half, single);
    }

    /// <summary>All that it reads was dequantized, and all that it gives is quantized: the runtime works on the integers.</summary>
    private static bool IsBetweenIntegers(Node node) =>
        node.Input(0)?.Producer is { OpType: "DequantizeLinear" } && node.Output.Uses is { Count: > 0 } uses && uses.All(use => use.Node.OpType == "QuantizeLinear");

    private static string Shares(Graph[] graphs)
    {
        Tensor[] numbers =
        [
            .. graphs.SelectMany(graph => graph.Initializers).Select(value => value.Initializer!)
                .Concat(graphs.SelectMany(graph => graph.Nodes).Where(node => node.OpType == "Constant").Select(node => node.GetTensor("value")).OfType<Tensor>())
                .Where(tensor => tensor.ElementType is not (ElementType.Int64 or ElementType.Bool)),
        ];
        double all = numbers.Sum(tensor => (double)tensor.Length);
        return string.Join(", ", numbers.GroupBy(tensor => tensor.ElementType).Select(group => (Type: group.Key, Share: group.Sum(tensor => tensor.Length) / all)).Where(entry => entry.Share >= LeastShare)
            .OrderByDescending(entry => entry.Share).Select(entry => string.Create(CultureInfo.InvariantCulture, $"{Name(entry.Type)} {entry.Share:0 %}")));
    }

    private static string Name(ElementType type) => type == ElementType.Float ? "float32" : type.ToString().ToLowerInvariant();
}
