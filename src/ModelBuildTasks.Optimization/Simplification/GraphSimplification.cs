using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Rewrites the graph by the rules of this folder until none applies, so that what is left is what the model computes: fewer
/// nodes for the runtime, and layers with their normalization and bias inside for the quantizer. Inputs that callers must feed
/// and outputs keep their names and types; results change by rounding only. Graphs inside nodes are simplified alike.
/// </summary>
/// <remarks>
/// The order, which is the same each round. First <see cref="FixedInitializers"/>, as nothing folds into a weight that a caller may
/// override. Then in each graph: constants, branches and no-ops, since the other rules look at what is left when these are gone;
/// shapes, which turn computed operands into constants; merges of neighbours; formulas written out that are one operator, before the
/// folds take them apart; folds into layers, normalizations before plain arithmetic, as the former say more; constant folding, one
/// session for all that the rules uncovered; duplicate nodes, in all graphs at once, after the folds, since a layer whose result two
/// normalizations share cannot take up either. Last, when no rule applies any more, <see cref="MergeDuplicateInitializers"/>, for
/// the same reason; layers that are one then start another round. A model that has grown is simplified again without the rules that
/// store constants, and if it still grows, it stays as it was.
/// </remarks>
/// <param name="disabledRules">Names from <see cref="RuleNames"/> that are left out.</param>
public sealed class GraphSimplification(IReadOnlyCollection<string>? disabledRules = null) : IModelPass
{
    /// <summary>Each round does all it sees; real models need three to six, as one folded constant uncovers the next.</summary>
    private const int MostRounds = 32;

    /// <summary>What goes before the rules and can't be left out.</summary>
    private const string Inference = "shape inference";

    /// <summary>Inputs that are named in the outcome; a model may have hundreds.</summary>
    private const int MostNamedInputs = 3;

    /// <summary>Rules that store constants which may take more bytes than what they replace.</summary>
    private static readonly string[] Growing = [nameof(FoldShape), nameof(FixReshape), nameof(FoldChannelArithmetic), nameof(FoldLeadingAffine), nameof(FoldConstants)];

    private static readonly IGraphRule[] StandardRules =
    [
        new ConstantToInitializer(),
        new SettleBranchByRank(),
        new InlineBranch(),
        new RemoveDeadOutputs(),
        new RemoveNoOp(),
        new FoldShape(),
        new RemoveExpand(),
        new FixReshape(),
        new MergeCasts(),
        new SqueezeBeforeTranspose(),
        new MeetTransposes(),
        new MergeTransposes(),
        new MergeReshapes(),
        new KeepGatheredAxis(),
        new KeepReducedAxes(),
        new SliceShuffledChannels(),
        new MergeSlices(),
        new MergeSlicesIntoSplit(),
        new MergeConcats(),
        new SplitOfConcat(),
        new FoldPad(),
        new FuseLayerNormalization(),
        new FuseRmsNormalization(),
        new FuseGelu(),
        new FuseHardSigmoid(),
        new FuseAttention(),
        new FoldBatchNormalization(),
        new FoldChannelArithmetic(),
        new FoldLeadingAffine(),
        new MatMulAddToGemm(),
        new MergeClamps(),
    ];

    private readonly HashSet<string> disabled = new(disabledRules ?? [], StringComparer.OrdinalIgnoreCase);

    /// <summary>The rules that can be switched off, in the order in which they are tried.</summary>
    public static IReadOnlyList<string> RuleNames { get; } =
        [nameof(FixedInitializers), .. StandardRules.Select(rule => rule.GetType().Name), nameof(FoldConstants), nameof(MergeDuplicateNodes), nameof(MergeDuplicateInitializers)];

    public string Name => "simplification";

    /// <summary>The rules, in their order.</summary>
    internal IReadOnlyList<IGraphRule> Rules { get; init; } = StandardRules;

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        long bytesBefore = model.StoredBytes;
        ModelSnapshot original = model.TakeSnapshot();
        try
        {
            PassOutcome outcome = Apply(model, context, bytesBefore);
            if (model.StoredBytes > bytesBefore)
            {
                model.Restore(original);
                outcome = Without(Growing).Apply(model, context, bytesBefore);
            }

            long bytesAfter = model.StoredBytes;
            if (bytesAfter <= bytesBefore)
            {
                return outcome;
            }

            model.Restore(original);
            return PassOutcome.Refused($"Simplified, the model would take {bytesAfter} bytes instead of {bytesBefore}, so it stays as it is.", outcome.Refusals);
        }
        catch (RuleException failed)
        {
            // Nothing that loads may stop a build here, whatever a rule did not think of.
            model.Restore(original);
            PassOutcome rest = failed.Rule == Inference
                ? PassOutcome.Refused("The model is not understood well enough to be simplified, so it stays as it is.")
                : Without(failed.Rule).Apply(model, context);
            return rest with { Refusals = [$"{failed.Rule}: {failed.Message}; it was left out. Please report this as a bug.", .. rest.Refusals] };
        }
    }

    private GraphSimplification Without(params ReadOnlySpan<string> rules) => new([.. disabled, .. rules]) { Rules = Rules };

    private PassOutcome Apply(Model model, PassContext context, long bytesBefore)
    {
        int nodesBefore = CountNodes(model);
        int weightsBefore = CountInitializers(model);
        SortedDictionary<string, int> counts = new(StringComparer.Ordinal);
        HashSet<string> inputRefusals = [];
        IReadOnlyList<string> fixedInputs = IsEnabled(nameof(FixedInitializers)) ? RuleException.Guard(nameof(FixedInitializers), () => FixedInitializers.Apply(model, inputRefusals)) : [];
        Count(counts, "initializers no longer inputs", fixedInputs.Count);
        model.Graph.RemoveUnused();
        Count(counts, "unused nodes", nodesBefore - CountNodes(model));
        Count(counts, "unused initializers", weightsBefore - CountInitializers(model));

        HashSet<string> refusals = [];
        ShiftShares shifts = new();
        for (int round = 0; round < MostRounds; round++)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            context.Progress?.Report((double)round / MostRounds);
            refusals.Clear();
            RuleContext rules = new(RuleException.Guard(Inference, () => ShapeInference.Infer(model.Graph)), context.Target) { Growth = new GrowthBudget(bytesBefore - model.StoredBytes), Shifts = shifts };
            if (!ApplyRound(model, rules, counts, refusals) && !MergeWeights(model, counts))
            {
                break;
            }
        }

        model.Graph.RemoveUnused();
        FixedInitializers.RaiseIrVersion(model);
        if (counts.Count > 0)
        {
            model.IrVersion = Math.Min(model.IrVersion, model.LowestIrVersion);
        }

        string[] reasons = [.. inputRefusals, .. refusals.Order(StringComparer.Ordinal)];
        return counts.Count == 0
            ? PassOutcome.Refused("The model is as simple as the rules can make it.", reasons)
            : PassOutcome.Applied(Explain(nodesBefore, CountNodes(model), counts, fixedInputs), reasons);
    }

    private bool ApplyRound(Model model, RuleContext context, SortedDictionary<string, int> counts, HashSet<string> refusals)
    {
        bool changed = false;
        foreach (Graph graph in model.Graph.WithSubgraphs().ToArray().Where(IsAttached))
        {
            foreach (IGraphRule rule in Rules.Where(rule => IsEnabled(rule.GetType().Name)))
            {
                int applied = RuleException.Guard(rule.GetType().Name, () => ApplyEverywhere(rule, graph, context, refusals));
                Count(counts, rule.Name, applied);
                changed |= applied > 0;
            }

            int folded = IsEnabled(nameof(FoldConstants)) ? RuleException.Guard(nameof(FoldConstants), () => FoldConstants.Apply(graph, context, refusals)) : 0;
            Count(counts, "constant folding", folded);
            changed |= folded > 0;
        }

        changed |= MergeNodes(model, counts);
        model.Graph.RemoveUnused();
        return changed;
    }

    private bool MergeNodes(Model model, SortedDictionary<string, int> counts)
    {
        int merged = IsEnabled(nameof(MergeDuplicateNodes)) ? RuleException.Guard(nameof(MergeDuplicateNodes), () => MergeDuplicateNodes.Apply(model.Graph)) : 0;
        Count(counts, "duplicate node merging", merged);
        return merged > 0;
    }

    /// <summary>Layers with equal weights may then be one; true when that leaves something for another round.</summary>
    private bool MergeWeights(Model model, SortedDictionary<string, int> counts)
    {
        int merged = IsEnabled(nameof(MergeDuplicateInitializers))
            ? RuleException.Guard(nameof(MergeDuplicateInitializers), () => model.Graph.WithSubgraphs().ToArray().Sum(MergeDuplicateInitializers.Apply))
            : 0;
        Count(counts, "duplicate initializers merged", merged);
        return merged > 0 && MergeNodes(model, counts);
    }

    private bool IsEnabled(string rule) => !disabled.Contains(rule);

    private static string Explain(int nodesBefore, int nodesAfter, SortedDictionary<string, int> counts, IReadOnlyList<string> fixedInputs)
    {
        string summary = $"{nodesBefore} → {nodesAfter} nodes ({string.Join(", ", counts.Select(entry => $"{entry.Key}: {entry.Value}"))}).";
        string rest = fixedInputs.Count > MostNamedInputs ? $" and {fixedInputs.Count - MostNamedInputs} more" : "";
        return fixedInputs.Count == 0 ? summary : $"{summary} Callers can no longer override {string.Join(", ", fixedInputs.Take(MostNamedInputs).Select(name => $"'{name}'"))}{rest}.";
    }

    private static int ApplyEverywhere(IGraphRule rule, Graph graph, RuleContext context, HashSet<string> refusals)
    {
        int applied = 0;
        if (!graph.Nodes.Any(rule.Matches))
        {
            return applied;
        }

        foreach (Node node in graph.TopologicalOrder().Where(rule.Matches).ToArray())
        {
            RuleOutcome outcome = RuleOutcome.Applied;
            while (outcome.IsApplied && !node.IsRemoved && rule.Matches(node))
            {
                outcome = rule.Apply(node, context);
                applied += outcome.IsApplied ? 1 : 0;
            }

            if (outcome.Reason is { } reason)
            {
                refusals.Add($"{rule.Name}: {LinearLayer.Describe(node)}: {reason}.");
            }
        }

        return applied;
    }

    /// <summary>Inlining one branch of a node takes the other one out of the model.</summary>
    private static bool IsAttached(Graph graph) => graph.Owner is null || (graph.Parent!.Nodes.Contains(graph.Owner) && IsAttached(graph.Parent));

    private static int CountNodes(Model model) => model.Graph.WithSubgraphs().Sum(graph => graph.Nodes.Count);

    private static int CountInitializers(Model model) => model.Graph.WithSubgraphs().Sum(graph => graph.Initializers.Count());

    private static void Count(SortedDictionary<string, int> counts, string name, int number)
    {
        if (number > 0)
        {
            counts[name] = counts.GetValueOrDefault(name) + number;
        }
    }
}
