using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>Which nodes of a model compute in float16, and for each of the others the rule that leaves it in float32.</summary>
internal sealed class Float16Choice
{
    /// <summary>The smallest normal number, 2⁻¹⁴: below, digits are lost.</summary>
    private const float SmallestNormal = 1f / (1 << 14);

    /// <summary>Half of the largest number, 65504: samples that were not seen may reach further.</summary>
    private const float LargestSeen = 65504f / 2;

    private readonly PassContext context;
    private readonly RuleContext types;
    private readonly HashSet<Value> ofSizes;

    /// <param name="model">The model; it is not changed.</param>
    /// <param name="context">The target, and the samples that tell ranges, if there are any.</param>
    /// <exception cref="OperationCanceledException">The build was cancelled.</exception>
    internal Float16Choice(Model model, PassContext context)
    {
        this.context = context;
        types = new RuleContext(ShapeInference.Infer(model.Graph), context.Target);
        ofSizes = SizeArithmetic.Of(model, types);
        Nodes = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder())];
        foreach (Node node in Nodes.Where(node => IsFloat32(node) && !node.Subgraphs.Any()))
        {
            if (Refusal(node) is { } reason)
            {
                Refusals.Add($"{node} stays float32: {reason}.");
            }
            else
            {
                Half.Add(node);
            }
        }

        LeaveOutOfRange(model);
        DropIslands();
    }

    /// <summary>The nodes of all graphs, each graph in topological order.</summary>
    internal IReadOnlyList<Node> Nodes { get; }

    /// <summary>Nodes that compute in float16.</summary>
    internal HashSet<Node> Half { get; } = [];

    internal List<string> Refusals { get; } = [];

    /// <summary>Whether the value is float32 in the model.</summary>
    internal bool IsFloat(Value value) => TypeOf(value) == ElementType.Float;

    internal ElementType? TypeOf(Value value) => types.TypeOf(value)?.ElementType;

    /// <summary>The shape of a value, 0 where a size is not known; empty where its rank is not.</summary>
    internal IReadOnlyList<long> ShapeOf(Value value) => types.TypeOf(value)?.Shape is { } shape ? [.. shape.Select(dimension => dimension.Size ?? 0)] : [];

    internal bool WantsHalf(Node node, int input) => IsFloat(node.Inputs[input]!) && Float16Operators.InputIsHalf(node, input);

    /// <summary>Returns nodes to float32, because they lose too much.</summary>
    /// <param name="losing">Their first outputs.</param>
    internal void Return(IReadOnlySet<string> losing)
    {
        foreach (Node node in Nodes.Where(node => losing.Contains(node.Outputs[0].Name) && Half.Remove(node)))
        {
            Refusals.Add($"{node} stays float32: the outputs would differ by more than half of what they may.");
        }

        DropIslands();
    }

    /// <summary>Whether the node touches float32 at all, and nothing of unknown type.</summary>
    private bool IsFloat32(Node node)
    {
        IEnumerable<Value> touched = node.Inputs.OfType<Value>().Concat(node.Outputs.Where(output => output.Uses.Count > 0 || output.IsOutput));
        return touched.All(value => types.TypeOf(value) is not null) && touched.Any(IsFloat);
    }

    /// <summary>Why the node stays float32 whatever the samples show, as a clause; null when it need not.</summary>
    private string? Refusal(Node node) =>
        !Float16Operators.Supports(node) ? $"{node.OpType} is not among the operators with a float16 kernel that keeps what they mean"
        : node.Inputs.Any(input => input?.Producer?.OpType is "DequantizeLinear") ? "what stands behind DequantizeLinear is an integer operator to the runtime"
        : node.Outputs.Any(ofSizes.Contains) ? "it computes with sizes and places, of which float16 tells those above 2048 apart no more"
        : node.OpType == "MatMul" && node.Inputs.Any(input => ofSizes.Contains(input!)) ? "its matrix is computed from sizes, as that of a resampling is, whose sums a model was trained with"
        : IsRounded(node) ? "a difference in its last digit would be rounded to one of a whole"
        : CrashesOnCpu(node) ? "ONNX Runtime on a CPU would crash"
        : Float16Operators.DepthOfReduction(node, types) > Float16Operators.DeepestReduction ? $"it sums more than {Float16Operators.DeepestReduction} numbers"
        : node.Inputs.Where((input, i) => input?.Constant is not null && WantsHalf(node, i)).FirstOrDefault(input => !Fits(input!, node)) is { } misfit ? $"'{misfit.Name}' does not fit float16"
        : null;

    private static bool IsRounded(Node node) => IsRounding(node) || node.Outputs.Any(output => output.Uses.Any(use => IsRounding(use.Node)));

    private static bool IsRounding(Node node) => node.OpType is "Floor" or "Ceil" or "Round";

    /// <summary>
    /// ONNX Runtime 1.31.1 on a CPU dies (no error, a crash) when its MatmulTransposeFusion meets the Cast that it put itself between a
    /// float16 Transpose and a MatMul. An artifact must load everywhere, be it to be verified, so the Transpose stays float32.
    /// </summary>
    private static bool CrashesOnCpu(Node node) => node.OpType == "Transpose" && node.Output.Uses.Any(use => use.Node.OpType == "MatMul");

    private static bool Fits(Value value, Node node)
    {
        ReadOnlySpan<float> elements = value.Constant!.Span<float>();
        bool isWeight = Float16Operators.IsLayer(node);
        foreach (float element in elements)
        {
            Half half = (Half)element;
            if (!System.Half.IsFinite(half) || (!isWeight && element != 0 && half == (Half)0))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>By the calibration samples: what nears the largest number would overflow for others, and what has no normal number at all would lose its digits. Graphs inside nodes are not observed.</summary>
    private void LeaveOutOfRange(Model model)
    {
        Value[] touched = [.. Half.Where(node => node.Graph == model.Graph).SelectMany(Narrowed).Distinct()];
        if (context.Calibration is null || touched.Length == 0)
        {
            return;
        }

        Dictionary<Value, IRangeObserver> seen;
        try
        {
            seen = Calibrator.Run(model, touched, context.Calibration, _ => new MinMaxObserver(), progress: null, context.CancellationToken);
        }
        catch (CalibrationException unseen)
        {
            Refusals.Add($"Ranges were not checked: {unseen.Message}.");
            return;
        }

        foreach (Node node in Half.ToArray())
        {
            foreach (Value value in Narrowed(node).Where(seen.ContainsKey))
            {
                float largest = Math.Max(Math.Abs(seen[value].Seen.Lowest), Math.Abs(seen[value].Seen.Highest));
                if (largest > LargestSeen || (largest < SmallestNormal && largest > 0))
                {
                    Half.Remove(node);
                    Refusals.Add(FormattableString.Invariant($"{node} stays float32: '{value.Name}' reaches {largest:g3} on the calibration samples, and float16 holds {SmallestNormal:g2} to {2 * LargestSeen}."));
                    break;
                }
            }
        }
    }

    /// <summary>What the node would read and give in float16, constants aside.</summary>
    private IEnumerable<Value> Narrowed(Node node) =>
        node.Inputs.Where((input, i) => input is { Constant: null } && WantsHalf(node, i)).OfType<Value>()
            .Concat(node.Outputs.Where((output, i) => (output.Uses.Count > 0 || output.IsOutput) && IsFloat(output) && Float16Operators.OutputIsHalf(node, i)));

    /// <summary>Connected float16 nodes without a layer among them return to float32: casts would cost more than they gain.</summary>
    private void DropIslands()
    {
        HashSet<Node> seen = [];
        foreach (Node start in Nodes.Where(node => Half.Contains(node) && !seen.Contains(node)))
        {
            List<Node> island = [];
            Stack<Node> open = new([start]);
            seen.Add(start);
            while (open.TryPop(out Node? node))
            {
                island.Add(node);
                IEnumerable<Node> before = node.Inputs.OfType<Value>().Where(IsFloat).Select(value => value.Producer).OfType<Node>();
                IEnumerable<Node> after = node.Outputs.Where(IsFloat).SelectMany(value => value.Uses).Select(use => use.Node);
                foreach (Node neighbour in before.Concat(after).Where(neighbour => Half.Contains(neighbour) && seen.Add(neighbour)))
                {
                    open.Push(neighbour);
                }
            }

            if (!island.Any(Float16Operators.IsLayer))
            {
                Half.ExceptWith(island);
                Refusals.AddRange(island.Select(node => $"{node} stays float32: no layer in float16 is beside it."));
            }
        }
    }
}
