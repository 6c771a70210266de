using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Static int8 quantization without a single sample: ranges, and the means by which biases are corrected, come from the statistics that training left
/// in BatchNormalization (<see cref="NormalizationStatistics"/>, <see cref="DistributionPropagation"/>). Layers of whose input nothing can be told, as of the model's
/// own inputs, stay in float; nothing is ever drawn at random.
/// </summary>
/// <param name="statistics">Of the model before simplification, which folds the normalizations away.</param>
public sealed class DataFreeQuantization(NormalizationStatistics statistics) : IModelPass
{
    /// <summary>Stands for a height, width or length that the model leaves open, where times are estimated.</summary>
    private const long OpenSize = 128;

    public string Name => "static int8 quantization without data";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (Refusal(model, context) is { } reason)
        {
            return PassOutcome.Refused(reason);
        }

        Dictionary<Value, ChannelDistribution> known = DistributionPropagation.Run(model.Graph, statistics);
        QuantizationCandidates candidates = new(model.Graph, context.Target, Shapes(model.Graph));
        QuantizationChoice? choice = Choose(candidates, known, context, out FloatNodes inFloat);
        int layers = candidates.Order.Count(QuantizableOperators.IsLayer);
        if (choice is not { Selection.Layers.Count: > 0 })
        {
            QuantizationPlan none = PlanRecord.OfFloat(candidates, inFloat);
            return PassOutcome.Refused($"Without data, none of the {layers} Conv, MatMul and Gemm computes in integers: {none.ReasonsForFloat}.", inFloat.Explain(candidates)) with { Plan = none };
        }

        int chosen = choice.Selection.Layers.Count;
        IReadOnlyList<string> refusals = inFloat.Explain(candidates);
        QuantizationPlan plan = PlanRecord.Of(candidates, choice, "BatchNormalization statistics");
        OpsetUpgrade.Apply(model, IntegerInsertion.FirstOpset);
        IntegerInsertion.Apply(model.Graph, choice.Selection, choice.Scales, InputMeans(choice.Selection, known), context.Target, QuantizedWeight.Nearest);
        return PassOutcome.Applied($"No data: ranges from BatchNormalization statistics. {chosen} of {layers} Conv, MatMul and Gemm compute in integers.", refusals) with { Plan = plan };
    }

    private string? Refusal(Model model, PassContext context) =>
        context.Target.Activations is null ? $"The target '{context.Target}' has no kernels for quantized activations."
        : QuantizationPreconditions.Refusal(model) is { } precondition ? precondition
        : statistics.IsEmpty ? "There are no calibration samples, and the model has no BatchNormalization whose statistics could stand for them."
        : OpsetUpgrade.Refusal(model, IntegerInsertion.FirstOpset) is { } old ? $"The model cannot be lifted to operator set {IntegerInsertion.FirstOpset}, which scales for each channel need: {old}."
        : null;

    /// <summary>Takes out layers until the range of everything that becomes integers is known and fits; null when that leaves nothing.</summary>
    private static QuantizationChoice? Choose(QuantizationCandidates candidates, Dictionary<Value, ChannelDistribution> known, PassContext context, out FloatNodes inFloat)
    {
        inFloat = new FloatNodes();
        foreach (Node layer in candidates.Layers.Keys.Where(layer => !known.ContainsKey(layer.Inputs[0]!)))
        {
            inFloat.Add(layer, "without data, nothing is known of its input");
        }

        while (true)
        {
            NodeSelection selection = candidates.IsForCpu ? FastestSelection.Find(candidates, inFloat) : new NodeSelection(candidates, inFloat.Nodes);
            IReadOnlyList<Value> ranged = ScaleAssignment.ToObserve(selection, context.Target);
            if (ranged.FirstOrDefault(value => !known.ContainsKey(value)) is { } unknown)
            {
                Node[] touching = [.. selection.LayersReading(unknown), .. selection.SourceOf(unknown) is { } source ? [source] : Array.Empty<Node>()];
                if (touching.Length == 0)
                {
                    return null;
                }

                foreach (Node node in touching)
                {
                    inFloat.Add(node, $"without data, nothing is known of '{unknown.Name}'");
                }

                continue;
            }

            ScaleAssignment scales = new(selection, ranged.ToDictionary(value => value, value => known[value].Range), context.Target);
            if (scales.TooWideConcat() is not { } concat)
            {
                return new QuantizationChoice(selection, scales, inFloat);
            }

            inFloat.AddTooWide(concat, selection);
        }
    }

    private static Dictionary<Value, double[]> InputMeans(NodeSelection selection, Dictionary<Value, ChannelDistribution> known)
    {
        Dictionary<Value, double[]> means = [];
        foreach (Layer layer in selection.Layers.Values.Where(layer => !layer.IsProduct))
        {
            Value input = layer.Node.Inputs[0]!;
            int channels = (int)(layer.Weight.Dimensions[1] * layer.Node.GetInt("group", 1));
            if (known[input].MeansOf(channels) is { } mean)
            {
                means[input] = mean;
            }
        }

        return means;
    }

    private static Dictionary<Value, long[]> Shapes(Graph graph)
    {
        Dictionary<Value, long[]> shapes = [];
        IEnumerable<(Value, TensorType)> inputs = graph.Inputs.Where(input => input.Type is not null).Select(input => (input, input.Type!));
        foreach ((Value value, TensorType type) in ShapeInference.Infer(graph).Select(entry => (entry.Key, entry.Value)).Concat(inputs))
        {
            shapes[value] = [.. (type.Shape ?? []).Select((dimension, axis) => dimension.Size ?? (axis == 0 ? 1 : OpenSize))];
        }

        return shapes;
    }
}
