using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Gather(table, rows) → Cast(Gather(codes, rows)) · Gather(scales, rows): a table of embeddings in a quarter of its size, with a scale for each row, since
/// rare words have short rows. Only the rows that are looked up become floats.
/// </summary>
internal static class QuantizedEmbedding
{
    /// <summary>Smaller tables (256 KB of floats) are not worth three more operators.</summary>
    private const long SmallestTable = 64 * 1024;

    private const int Bits = 8;

    /// <summary>Whether a node looks rows up in a constant float32 table that nothing else needs as floats.</summary>
    internal static bool IsEmbedding(Node node) =>
        node is { OpType: "Gather", Domain: "" } && node.GetInt("axis", 0) == 0
        && node.Input(0) is { IsOutput: false, Constant: { ElementType: ElementType.Float, Dimensions.Count: 2, Length: >= SmallestTable } table } value
        && value.Uses.All(use => use.Node is { OpType: "Gather", Domain: "" } && use.Index == 0)
        && TensorPrimitives.IsFiniteAll(table.Span<float>());

    internal static void Rewrite(Node node)
    {
        Graph graph = node.Graph;
        Value table = node.Inputs[0]!;
        Value rows = node.Inputs[1]!;
        string name = node.Name.Length > 0 ? node.Name : node.Output.Name;
        QuantizedWeight quantized = QuantizedWeight.From(table.Constant!, axis: 0, Bits);
        Value codes = graph.AddNode("Gather", [graph.AddInitializer(table.Name + "_quantized", quantized.Codes), rows], name: name + "_codes").Output;
        Value scales = graph.AddNode(
            "Gather", [graph.AddInitializer(table.Name + "_scale", Tensor.Create([quantized.Scales.Length, 1], quantized.Scales)), rows], name: name + "_scales").Output;
        Value singles = graph.AddNode("Cast", [codes], name: name + "_cast").Set("to", (long)ElementType.Float).Output;
        node.Output.ReplaceWith(graph.AddNode("Mul", [singles, scales], name: name + "_scaled").Output);
        graph.Remove(node);
    }
}
