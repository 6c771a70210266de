using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// The time that a selection's layers and the conversions at its borders take on the CPU by <see cref="KernelCosts"/>, in nanoseconds on one
/// core. What is the same in every selection is not counted.
/// </summary>
internal static class SelectionTime
{
    internal static double Of(QuantizationCandidates candidates, NodeSelection selection)
    {
        double sum = 0;
        foreach ((Node node, Layer layer) in candidates.Layers)
        {
            IReadOnlyList<long> shape = candidates.ShapeOf(node.Output);
            if (shape.Count > 1)
            {
                sum += selection.Layers.ContainsKey(node) ? KernelCosts.Integer(layer, shape) : KernelCosts.Float(layer, shape);
            }
        }

        HashSet<Value> quantized = [];
        foreach (Node node in selection.Nodes)
        {
            foreach (Value input in QuantizableOperators.DataInputs(node).Select(index => node.Input(index)!))
            {
                if (!selection.IsInteger(input) && input.Constant is null && quantized.Add(input))
                {
                    sum += Boundary(candidates, input) + PoolingOf(candidates, input);
                }
            }

            Value result = selection.ResultOf(node);
            if (selection.GivesIntegers(node) && result.Uses.Any(use => !selection.IsChosenUse(use)))
            {
                sum += Boundary(candidates, result);
            }
        }

        return sum;
    }

    internal static bool IsPooling(Node node) => node is { OpType: "MaxPool", Domain: "" };

    private static double Boundary(QuantizationCandidates candidates, Value value) =>
        KernelCosts.Boundary(candidates.ElementsOf(value), candidates.ShapeOf(value).Count);

    /// <summary>
    /// When ONNX Runtime loads the model, it moves a quantization in front of the MaxPool that it follows (QDQPropagationTransformer), which then
    /// runs on planes of integers.
    /// </summary>
    private static double PoolingOf(QuantizationCandidates candidates, Value quantized) =>
        quantized is { IsOutput: false, Producer: { } pooling } && IsPooling(pooling)
            ? KernelCosts.PlanarPooling(candidates.ElementsOf(quantized), (pooling.GetInts("kernel_shape") ?? []).Aggregate(1L, (product, size) => product * size))
            : 0;
}
