using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// LSTM(x, W, R, …) → DynamicQuantizeLSTM(x, Wᵀ, Rᵀ, …): both products of each step in integers, with the ranges of the input and of the state measured as it
/// runs. Weights are signed with a scale for each row of each gate; a single scale for all of them left 26 instead of 38 dB of signal to noise in a speech model.
/// </summary>
/// <remarks>
/// com.microsoft operator set 1: W is [directions, inputs, 4·hidden] and R [directions, hidden, 4·hidden], their last two axes swapped against ONNX's LSTM; scales
/// and zero points are [directions, 4·hidden]. There is no such operator for GRU and RNN.
/// </remarks>
public sealed class DynamicLstm : IModelPass
{
    public string Name => "dynamic int8 LSTMs";

    /// <summary>Whether a model holds recurrences at all, branches and loop bodies included.</summary>
    public static bool IsIn(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Graph.WithSubgraphs().Any(graph => graph.Nodes.Any(IsRecurrence));
    }

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (context.Target.ExecutionProvider != TargetProfile.CpuProvider)
        {
            return PassOutcome.Refused($"The target '{context.Target}' has no kernels for dynamic quantization.");
        }

        List<PlannedLayer> inFloat = [];
        Node[] chosen = [.. model.Graph.WithSubgraphs().SelectMany(graph => Choose(graph, inFloat))];
        QuantizationPlan plan = PlanRecord.OfDynamic(chosen.Select(node => (node, context.Target.WeightBits)), inFloat);
        string[] refusals = [.. inFloat.Select(layer => layer.Explanation)];
        foreach (Node node in chosen)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            Rewrite(node, context.Target);
        }

        model.Graph.RemoveUnused();
        return chosen.Length == 0 ? PassOutcome.Refused("No LSTM gains from integers.", refusals)
            : PassOutcome.Applied($"{chosen.Length} LSTMs compute in integers, with ranges measured at each step.", refusals) with { Plan = plan };
    }

    /// <summary>The LSTMs of a graph that gain from integers; the others go to <paramref name="inFloat"/>.</summary>
    internal static IEnumerable<Node> Choose(Graph graph, List<PlannedLayer> inFloat)
    {
        foreach (Node node in graph.TopologicalOrder().Where(IsRecurrence))
        {
            if (Refusal(node) is { } reason)
            {
                inFloat.Add(new PlannedLayer(LinearLayer.Describe(node), IsInteger: false, reason));
            }
            else
            {
                yield return node;
            }
        }
    }

    private static bool IsRecurrence(Node node) => node is { OpType: "LSTM" or "GRU" or "RNN", Domain: "" };

    /// <summary>Why a recurrence stays in float; null when <see cref="Rewrite"/> may be called.</summary>
    private static string? Refusal(Node node)
    {
        if (node.OpType != "LSTM")
        {
            return QuantizableOperators.MissingKernel(node);
        }

        if (node.GetInt("layout", 0) != 0)
        {
            return "its batch stands first, and the integer kernel has no such layout";
        }

        if (Weight(node, 1) is not { } input || Weight(node, 2) is not { } recurrent)
        {
            return "its weights are not constant float32 that are finite";
        }

        return DynamicCosts.RefusalOfRecurrence(input.Length + recurrent.Length, input.Dimensions[0]);
    }

    internal static void Rewrite(Node node, TargetProfile target)
    {
        int bits = target.WeightBits;
        Graph graph = node.Graph;
        (Value weight, Value weightScale, Value weightZero) = Quantized(node, 1, bits);
        (Value recurrent, Value recurrentScale, Value recurrentZero) = Quantized(node, 2, bits);
        graph.Model.OpsetImports[TargetProfile.ContributedDomain] = 1;
        Node integer = graph.AddNode(
            "DynamicQuantizeLSTM",
            [node.Inputs[0], weight, recurrent, node.Input(3), node.Input(4), node.Input(5), node.Input(6), node.Input(7), weightScale, weightZero, recurrentScale, recurrentZero],
            node.Outputs.Count,
            node.Name,
            TargetProfile.ContributedDomain);
        integer.CopyAttributesFrom(node);
        integer.Unset("layout");
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (node.Outputs[i].Uses.Count > 0 || node.Outputs[i].IsOutput)
            {
                node.Outputs[i].ReplaceWith(integer.Outputs[i]);
            }
        }

        graph.Remove(node);
    }

    private static Tensor? Weight(Node node, int index) =>
        node.Input(index)?.Constant is { ElementType: ElementType.Float, Dimensions.Count: 3, Length: > 0 } weight && TensorPrimitives.IsFiniteAll(weight.Span<float>()) ? weight : null;

    private static (Value Codes, Value Scales, Value ZeroPoints) Quantized(Node node, int index, int bits)
    {
        Tensor weight = Weight(node, index)!;
        (int directions, int rows, int columns) = ((int)weight.Dimensions[0], (int)weight.Dimensions[1], (int)weight.Dimensions[2]);
        QuantizedWeight quantized = QuantizedWeight.From(weight.WithDimensions(directions * rows, columns), axis: 0, bits);
        ReadOnlySpan<sbyte> codes = quantized.Codes.Span<sbyte>();
        sbyte[] swapped = new sbyte[codes.Length];
        for (int direction = 0; direction < directions; direction++)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    swapped[(direction * columns + column) * rows + row] = codes[(direction * rows + row) * columns + column];
                }
            }
        }

        string name = node.Inputs[index]!.Name;
        return (
            node.Graph.AddInitializer(name + "_quantized", Tensor.Create([directions, columns, rows], swapped)),
            node.Graph.AddInitializer(name + "_scale", Tensor.Create([directions, rows], quantized.Scales)),
            node.Graph.AddInitializer(name + "_zero_point", Tensor.Create([directions, rows], new sbyte[directions * rows])));
    }
}
