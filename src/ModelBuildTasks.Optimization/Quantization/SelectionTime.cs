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

        foreach (Node node in candidates.Order.Where(IsChannelSlice))
        {
            sum += KernelCosts.ChannelSlice(candidates.ElementsOf(node.Output), isInteger: selection.Contains(node));
        }

        HashSet<Value> quantized = [];
        HashSet<Value> planar = [];
        foreach (Node node in selection.Nodes)
        {
            sum += LayoutChanges(candidates, selection, node, planar);
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

    /// <summary>
    /// ONNX Runtime's integer convolutions have the channels last; what is quantized from floats has them first. Where an Add or Concat meets both, all of
    /// its inputs and what follows it are brought to channels first, and convolutions behind it pay for the way back. Notes what is so in <paramref name="planar"/>.
    /// </summary>
    private static double LayoutChanges(QuantizationCandidates candidates, NodeSelection selection, Node node, HashSet<Value> planar)
    {
        Value[] inputs =
        [
            .. QuantizableOperators.DataInputs(node).Select(index => node.Input(index)!)
                .Where(input => candidates.ShapeOf(input).Count >= 4 && candidates.ElementsOf(input) * NodeSelection.SmallInput > candidates.ElementsOf(node.Output)),
        ];
        if (selection.Layers.ContainsKey(node))
        {
            return inputs.Where(planar.Contains).Sum(input => KernelCosts.LayoutChange(candidates.ElementsOf(input)));
        }

        bool IsPlanar(Value input) => planar.Contains(input) || (!selection.IsInteger(input) && input.Constant is null);
        if (!inputs.Any(IsPlanar))
        {
            return 0;
        }

        planar.Add(selection.ResultOf(node));
        return inputs.Where(input => !IsPlanar(input)).Sum(input => KernelCosts.LayoutChange(candidates.ElementsOf(input)));
    }

    /// <summary>Takes some of the channels of planes, as a shuffle of channels does.</summary>
    private static bool IsChannelSlice(Node node) =>
        node is { OpType: "Slice", Domain: "" } && node.Input(3)?.Constant is { Length: 1, ElementType: ElementType.Int64 } axes && axes.Span<long>()[0] == 1;

    /// <summary>The same with nothing in integers.</summary>
    internal static double OfFloat(QuantizationCandidates candidates) => Of(candidates, new NodeSelection(candidates, candidates.Layers.Keys.ToHashSet()));

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
