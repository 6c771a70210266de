using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>The weights of one layer that pruning may set to zero.</summary>
/// <param name="Layer">The Conv, ConvTranspose, Gemm or MatMul that reads them.</param>
/// <param name="Value">The constant; layers that share one appear once.</param>
/// <param name="Elements">A copy of its elements.</param>
internal sealed record PrunableWeights(Node Layer, Value Value, float[] Elements)
{
    /// <summary>
    /// Layers with fewer weights are left whole: they are no part of a model's size, and a depthwise or first layer of that size
    /// suffers most. Position in the network excludes nothing, so that the share that was asked for is the share that is reached.
    /// </summary>
    internal const int FewestWeights = 512;

    internal string Name => Layer.Name.Length > 0 ? Layer.Name : Value.Name;

    /// <summary>Finds the weights in the order of the graph. Biases, normalization and tensors of one dimension are none.</summary>
    /// <param name="excluded">Layers that keep their weights, those that share them with such a one included.</param>
    /// <param name="skipped">Gets a reason for each layer that is left out.</param>
    internal static List<PrunableWeights> Find(Model model, ExcludedLayers excluded, ICollection<string> skipped)
    {
        List<PrunableWeights> found = [];
        HashSet<Value> seen = [];
        foreach (Node node in model.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder()))
        {
            if (node is not { Domain: "", OpType: "Conv" or "ConvTranspose" or "Gemm" or "MatMul" } || node.Input(1) is not { } value)
            {
                continue;
            }

            if (value.Constant is not { ElementType: ElementType.Float or ElementType.Float16, Dimensions.Count: >= 2 } weight)
            {
                skipped.Add($"The weights '{value.Name}' are not a constant float matrix.");
            }
            else if (value.Uses.Any(use => excluded.Contains(use.Node)))
            {
                skipped.Add($"'{value.Name}' keeps its weights: the project excludes it.");
            }
            else if (weight.Length < FewestWeights)
            {
                skipped.Add($"'{value.Name}' has {weight.Length} weights; layers below {FewestWeights} are left whole.");
            }
            else if (seen.Add(value))
            {
                found.Add(new PrunableWeights(node, value, weight.ToSingles()));
            }
        }

        return found;
    }

    /// <summary>The first layer with a weight that is not a number, which no order of magnitude holds; null when there is none.</summary>
    internal static PrunableWeights? FirstWithNaN(IEnumerable<PrunableWeights> layers) => layers.FirstOrDefault(layer => layer.Elements.Any(float.IsNaN));

    /// <summary>Puts <see cref="Elements"/> back into the model.</summary>
    internal void Store()
    {
        Tensor before = Value.Constant!;
        long[] dimensions = [.. before.Dimensions];
        StoredConstant.Replace(Value, before.ElementType == ElementType.Float ? Tensor.Create(dimensions, Elements) : Tensor.Create(dimensions, Array.ConvertAll(Elements, w => (Half)w)));
    }

    /// <summary>One sentence on how many weights of which layers are now zero.</summary>
    internal static string Describe(IReadOnlyList<(PrunableWeights Layer, int Zeroed)> layers)
    {
        long zeroed = layers.Sum(entry => (long)entry.Zeroed);
        long total = layers.Sum(entry => (long)entry.Layer.Elements.Length);
        return $"{zeroed} of {total} weights ({(double)zeroed / total:P1}) set to zero in {layers.Count} layers: {string.Join(", ", layers.Select(entry => $"{entry.Layer.Name} {entry.Zeroed}/{entry.Layer.Elements.Length}"))}.";
    }
}
