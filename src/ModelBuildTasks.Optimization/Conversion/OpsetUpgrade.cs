using System.Collections.ObjectModel;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion.Operators;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// Lifts a model to a newer standard operator set by converting each operator whose meaning changed on the way; the others
/// only gained types or options. Nothing is edited unless every operator can be lifted.
/// </summary>
/// <remarks>Source: the version history of each operator in ONNX's docs/Changelog.md.</remarks>
public static class OpsetUpgrade
{
    /// <summary>The oldest operator set that can be lifted. Before it, arithmetic broadcast by <c>axis</c> and <c>broadcast</c> attributes.</summary>
    public const long Oldest = 7;

    /// <summary>The newest operator set to which every change is known here.</summary>
    public const long Newest = 13;

    private static readonly OperatorConversion[] Conversions =
    [
        new NonSpatialBatchNormalization(), new ScanWithoutBatch(), new NormalizationAxes(), new DropoutMask(), new UpsampleToResize(), new ResizeCoordinates(),
        new SliceInputs(), new TopKInput(), new ClipInputs(), new PadInputs(), new ScatterToScatterElements(), new DropoutInputs(),
        new AxesInput("Squeeze"), new AxesInput("Unsqueeze"), new AxesInput("ReduceSum"), new SplitInput(),
        new SoftmaxAlongAxis("Softmax"), new SoftmaxAlongAxis("LogSoftmax"), new SoftmaxAlongAxis("Hardmax"),
    ];

    // Operators that were never released beyond "experimental" and left the standard at version 10.
    private static readonly HashSet<string> Withdrawn =
        ["ATen", "Affine", "Crop", "DynamicSlice", "GRUUnit", "GivenTensorFill", "ImageScaler", "ParametricSoftplus", "Scale", "ScaledTanh"];

    /// <summary>Converts <paramref name="model"/> in place to operator set <paramref name="opset"/> and raises its IR version as far as that needs.</summary>
    /// <param name="opset">From the model's own to <see cref="Newest"/>. A model that is newer already is left alone.</param>
    /// <returns>Null when the model now has at least this operator set; otherwise why it cannot be lifted, the model unchanged.</returns>
    public static string? Apply(Model model, long opset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(opset, Newest);
        if (Refusal(model, opset) is { } reason)
        {
            return reason;
        }

        if (model.Opset < opset)
        {
            Convert(model, opset);
            model.Opset = opset;
        }

        model.IrVersion = Math.Max(model.IrVersion, IrVersions.OfOpset(model.Opset));
        return null;
    }

    /// <summary>Why <see cref="Apply"/> would refuse; null when it would not.</summary>
    public static string? Refusal(Model model, long opset)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Opset >= opset)
        {
            return null;
        }

        if (model.Opset < Oldest)
        {
            return $"operator set {model.Opset} is older than {Oldest}, the oldest that can be converted";
        }

        foreach (Node node in StandardNodes(model))
        {
            if (Withdrawn.Contains(node.OpType))
            {
                return $"the experimental operator {node.OpType} ('{node.Name}') has no counterpart in operator set {opset}";
            }

            foreach (OperatorConversion conversion in Due(node, model.Opset, opset))
            {
                if (conversion.Refusal(node) is { } reason)
                {
                    return $"{node.OpType} '{node.Name}' cannot be lifted to operator set {opset}: {reason}";
                }
            }
        }

        return null;
    }

    private static void Convert(Model model, long opset)
    {
        Node[] nodes = StandardNodes(model);
        bool readsTypes = nodes.SelectMany(node => Due(node, model.Opset, opset)).Any(conversion => conversion.ReadsTypes);
        IReadOnlyDictionary<Value, TensorType> types = readsTypes ? Types(model) : ReadOnlyDictionary<Value, TensorType>.Empty;
        foreach (Node node in nodes)
        {
            // A conversion may rename the operator into one that changed again later.
            foreach (OperatorConversion conversion in Conversions)
            {
                if (conversion.OpType == node.OpType && model.Opset < conversion.Since && conversion.Since <= opset)
                {
                    conversion.Convert(node, types);
                }
            }
        }
    }

    private static Dictionary<Value, TensorType> Types(Model model)
    {
        Dictionary<Value, TensorType> types = ShapeInference.Infer(model.Graph);
        foreach (Value input in model.Graph.WithSubgraphs().SelectMany(graph => graph.Inputs))
        {
            if (input.Type is { } stated)
            {
                types.TryAdd(input, stated);
            }
        }

        return types;
    }

    private static IEnumerable<OperatorConversion> Due(Node node, long from, long to) =>
        Conversions.Where(conversion => conversion.OpType == node.OpType && from < conversion.Since && conversion.Since <= to);

    private static Node[] StandardNodes(Model model) =>
        [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).Where(node => node.Domain.Length == 0)];
}
