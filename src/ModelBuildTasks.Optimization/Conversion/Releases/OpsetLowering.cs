using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Releases;

/// <summary>
/// Declares an older standard operator set, so that older runtimes load the model. Between two operator sets most operators only gained types; what is an option of the newer one
/// is left out where it has its default. Types need no list here: ONNX Runtime checks each operator by the set that is declared when the artifact is loaded for verification.
/// </summary>
/// <remarks>Source: the version history of each operator in ONNX's docs/Changelog.md, 19 to 28.</remarks>
public static class OpsetLowering
{
    /// <summary>The oldest operator set that is gone back to. In 18 the axes of reductions became inputs.</summary>
    public const long Oldest = 18;

    /// <summary>Operators that are new in a set, or mean something else since.</summary>
    private static readonly Dictionary<string, long> Since = new(StringComparer.Ordinal)
    {
        ["DeformConv"] = 19,
        ["AffineGrid"] = 20, ["DFT"] = 20, ["Gelu"] = 20, ["GridSample"] = 20, ["ImageDecoder"] = 20, ["RegexFullMatch"] = 20, ["StringConcat"] = 20, ["StringSplit"] = 20,
        ["GroupNormalization"] = 21,
        ["Attention"] = 23, ["RMSNormalization"] = 23, ["RotaryEmbedding"] = 23,
        ["Swish"] = 24, ["TensorScatter"] = 24,
        ["BitCast"] = 26, ["CumProd"] = 26,
        ["CausalConvWithState"] = 27, ["LinearAttention"] = 27,
        ["SwiGLU"] = 28,
    };

    private static readonly Option[] Options =
    [
        new(19, "AveragePool", "dilations", static (node, name) => Array.TrueForAll(node.GetInts(name) ?? [], size => size == 1)),
        // These three say what becomes of 8-bit floats that overflow, and no such type is in an older set.
        new(19, "Cast", "saturate", Always), new(19, "CastLike", "saturate", Always), new(19, "QuantizeLinear", "saturate", Always),
        new(21, "QuantizeLinear", "block_size", IsZero), new(21, "DequantizeLinear", "block_size", IsZero), new(21, "QuantizeLinear", "output_dtype", IsZero),
        new(23, "DequantizeLinear", "output_dtype", IsZero), new(23, "QuantizeLinear", "precision", IsZero),
        new(24, "Cast", "round_mode", Always), new(24, "CastLike", "round_mode", Always),
        new(27, "Range", "stash_type", static (node, name) => node.GetInt(name, 1) == (long)ElementType.Float),
    ];

    /// <summary>Lowers <paramref name="model"/> in place.</summary>
    /// <param name="model">A model whose set is not in <see cref="Model.OpsetImports"/>' future: 28 at most.</param>
    /// <param name="opset">The set to declare; a model that declares no newer one is left alone.</param>
    /// <returns>Null when the model now declares this set or an older one; otherwise why it can't, as a clause, the model unchanged.</returns>
    public static string? Apply(Model model, long opset)
    {
        ArgumentNullException.ThrowIfNull(model);
        const long NewestKnown = 28;
        if (model.Opset <= opset)
        {
            return null;
        }

        if (opset < Oldest || model.Opset > NewestKnown)
        {
            return $"operator set {model.Opset} can't be lowered to {opset}: what changed between {Oldest} and {NewestKnown} is known";
        }

        Node[] nodes = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).Where(node => node.Domain.Length == 0)];
        foreach (Node node in nodes)
        {
            if (NewSince(node) is { } since && since > opset)
            {
                return $"{node.OpType} '{node.Name}' has the meaning that it has in operator set {since} and later";
            }

            if (Options.FirstOrDefault(option => option.IsOf(node) && option.Since > opset && !option.IsDefault(node, option.Name)) is { } used)
            {
                return $"{node.OpType} '{node.Name}' uses '{used.Name}', which operator set {used.Since} brought";
            }
        }

        foreach (Node node in nodes)
        {
            foreach (Option option in Options.Where(option => option.IsOf(node) && option.Since > opset))
            {
                node.Unset(option.Name);
            }
        }

        model.Opset = opset;
        return null;
    }

    private static long? NewSince(Node node) =>
        Since.TryGetValue(node.OpType, out long since) ? since
        // Windows that jut out count their padding since 19, and not before (ONNX, AveragePool-19).
        : node.OpType == "AveragePool" && node.GetInt("ceil_mode", 0) != 0 ? 19
        : node.OpType == "Pad" && node.GetString("mode") == "wrap" ? 19
        : node.OpType == "Resize" && node.GetString("coordinate_transformation_mode") == "half_pixel_symmetric" ? 19
        : null;

    private static bool Always(Node node, string name) => true;

    private static bool IsZero(Node node, string name) => node.GetInt(name, 0) == 0;

    private sealed record Option(long Since, string OpType, string Name, Func<Node, string, bool> IsDefault)
    {
        internal bool IsOf(Node node) => node.OpType == OpType && node.Has(Name);
    }
}
