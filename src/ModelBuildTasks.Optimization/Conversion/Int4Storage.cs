using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Training.Gradients;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// w → Cast(w as int4): stores int8 weights that no code beyond 4 bits is in, two in a byte. ONNX Runtime folds the Cast when it loads the model, so that the same integer kernels read the same
/// codes, and a run takes the same time.
/// </summary>
/// <remarks>The type is of operator set 21 and IR version 10, and ONNX Runtime casts it since 1.23 (pull request 24973). A DequantizeLinear that reads int4 itself isn't fused into an integer convolution.</remarks>
public sealed class Int4Storage : IModelPass
{
    private const long FirstOpset = 21;

    /// <summary>From here on half a byte a number is more than what a Cast, with the name of its result, adds to the file.</summary>
    private const int FewestNumbers = 256;

    private const sbyte Lowest = -8;
    private const sbyte Highest = 7;

    public string Name => "int4 storage";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (context.Target.ExecutionProvider != TargetProfile.CpuProvider)
        {
            return PassOutcome.Refused($"For '{context.Target}' it is not known whether the Cast is folded.");
        }

        Value[] weights = [.. model.Graph.Initializers.Where(IsNarrow)];
        if (weights.Length == 0)
        {
            return PassOutcome.Refused("No int8 weight has codes of 4 bits only.");
        }

        if (Lift(model) is { } reason)
        {
            return PassOutcome.Refused($"The model cannot be lifted to operator set {FirstOpset}, which has the type int4: {reason}.");
        }

        foreach (Value weight in weights)
        {
            Narrow(weight);
        }

        model.IrVersion = Math.Max(model.IrVersion, model.LowestIrVersion);
        return PassOutcome.Applied($"{weights.Length} tensors of int8 are stored as int4; ONNX Runtime makes them int8 when it loads the model.");
    }

    /// <summary>Takes the storage back, for releases of ONNX Runtime without that Cast. The operator set stays.</summary>
    /// <returns>How many tensors are stored as int8 again.</returns>
    internal static int Undo(Model model)
    {
        Node[] casts = [.. model.Graph.Nodes.Where(node => node is { OpType: "Cast", Domain: "" } && node.Input(0)?.Initializer?.ElementType == ElementType.Int4 && node.GetInt("to", 0) == (long)ElementType.Int8)];
        foreach (Node cast in casts)
        {
            Value stored = cast.Input(0)!;
            Value wide = model.Graph.AddInitializer(stored.Name + "_int8", Tensor.Create([.. stored.Initializer!.Dimensions], Array.ConvertAll(CodePath.NumbersOf(stored.Initializer), code => (sbyte)code)));
            cast.Output.ReplaceWith(wide);
        }

        model.Graph.RemoveUnused();
        return casts.Length;
    }

    private static bool IsNarrow(Value value) =>
        value is { Initializer: { ElementType: ElementType.Int8, Length: >= FewestNumbers } codes, IsInput: false, IsOutput: false }
        && value.Uses.All(use => use is { Index: 0, Node: { OpType: "DequantizeLinear", Domain: "" } })
        && !codes.Span<sbyte>().ContainsAnyExceptInRange(Lowest, Highest);

    private static void Narrow(Value weight)
    {
        Use[] readers = [.. weight.Uses];
        ReadOnlySpan<sbyte> codes = weight.Initializer!.Span<sbyte>();
        byte[] packed = new byte[(codes.Length + 1) / 2];
        for (int i = 0; i < codes.Length; i++)
        {
            packed[i / 2] |= (byte)((codes[i] & 0xF) << (i % 2 * 4));
        }

        weight.Initializer = Tensor.FromBytes(ElementType.Int4, [.. weight.Initializer.Dimensions], packed);
        weight.Type = weight.Type is { } type ? type with { ElementType = ElementType.Int4 } : null;
        Value wide = weight.Graph.AddNode("Cast", [weight], name: weight.Name + "_cast").Set("to", (long)ElementType.Int8).Output;
        foreach (Use reader in readers)
        {
            reader.Node.SetInput(reader.Index, wide);
        }
    }

    /// <summary>
    /// Declares operator set 21 where each operator means there what it meant in set 13 to 20. Reductions read their axes as an input since 18, and a Split without sizes states its number of parts; these are
    /// rewritten. Sources: ONNX's docs/Changelog.md, 14 to 21.
    /// </summary>
    /// <returns>Null when it was done; otherwise what is in the way, the model unchanged.</returns>
    private static string? Lift(Model model)
    {
        if (model.Opset >= FirstOpset)
        {
            return null;
        }

        Node[] nodes = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).Where(node => node.Domain.Length == 0)];
        if (model.Opset < 13 || Array.Find(nodes, Differs) is not null)
        {
            return Array.Find(nodes, Differs) is { } other ? $"{other.OpType} '{other.Name}' has another meaning there" : $"it is of operator set {model.Opset}";
        }

        foreach (Node node in nodes)
        {
            if (node.OpType == "Split" && node.Input(1) is null && !node.Has("num_outputs"))
            {
                node.Set("num_outputs", node.Outputs.Count);
            }
            else if (node.OpType.StartsWith("Reduce", StringComparison.Ordinal) && node.GetInts("axes") is { } axes)
            {
                node.SetInput(1, node.Graph.AddInitializer(node.Output.Name + "_axes", Tensor.Vector(axes)));
                node.Unset("axes");
            }
        }

        model.Opset = FirstOpset;
        return null;
    }

    private static bool Differs(Node node) => node.OpType switch
    {
        "BatchNormalization" => node.Outputs.Count > 1,
        "RoiAlign" or "GridSample" or "GroupNormalization" or "Resize" or "DFT" => true,
        "AveragePool" => node.GetInt("ceil_mode", 0) != 0,
        _ => false,
    };
}
