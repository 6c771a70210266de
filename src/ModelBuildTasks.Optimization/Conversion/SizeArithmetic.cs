using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// Floating point numbers that a graph computes from the sizes of its tensors, and not from what these hold: places of pixels and the weights of a resampling. They are whole numbers, or near to some,
/// far beyond what float16 holds exactly.
/// </summary>
internal static class SizeArithmetic
{
    /// <summary>Operators that fill a size with other numbers: no places.</summary>
    private static readonly HashSet<string> Filling = new(StringComparer.Ordinal) { "ConstantOfShape", "Expand", "Tile", "Where", "RandomNormal", "RandomUniform", "EyeLike" };

    /// <summary>The floating point values of this kind, graphs inside nodes included.</summary>
    internal static HashSet<Value> Of(Model model, RuleContext types)
    {
        HashSet<Value> found = [];
        // Constants that nobody has folded.
        HashSet<Value> constant = [];
        foreach (Node node in model.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder()))
        {
            Value[] computed = [.. node.Inputs.OfType<Value>().Where(input => input.Constant is null && !constant.Contains(input))];
            if (computed.Length == 0)
            {
                constant.UnionWith(node.Outputs);
            }
            else if (node.OpType is "Shape" or "Size" || (computed.All(found.Contains) && !Filling.Contains(node.OpType) && !node.Subgraphs.Any()))
            {
                // What is compared or asked for is no number any more.
                found.UnionWith(node.Outputs.Where(output => types.TypeOf(output)?.ElementType != ElementType.Bool));
            }
        }

        found.RemoveWhere(value => types.TypeOf(value)?.ElementType != ElementType.Float);
        return found;
    }
}
