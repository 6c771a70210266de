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
/// folds take them apart; folds into layers, normalizations before plain arithmetic, as the former say more; duplicate nodes after
/// the folds, since a layer whose result two normalizations share cannot take up either; constant folding, one session for all that
/// the rules uncovered. Last, when no rule applies any more, <see cref="MergeDuplicateInitializers"/>, for the same reason as
/// duplicate nodes.
/// </remarks>
/// <param name="disabledRules">Names from <see cref="RuleNames"/> that are left out.</param>
public sealed class GraphSimplification(IReadOnlyCollection<string>? disabledRules = null) : IModelPass
{
    /// <summary>Each round does all it sees; real models need three to six, as one folded constant uncovers the next.</summary>
    private const int MostRounds = 32;

    private static readonly IGraphRule[] Rules =
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
        new MergeDuplicateNodes(),
    ];

    private readonly HashSet<string> disabled = new(disabledRules ?? [], StringComparer.OrdinalIgnoreCase);

    /// <summary>The rules that can be switched off, in the order in which they are tried.</summary>
    public static IReadOnlyList<string> RuleNames { get; } =
        [nameof(FixedInitializers), .. Rules.Select(rule => rule.GetType().Name), nameof(FoldConstants), nameof(MergeDuplicateInitializers)];

    public string Name => "simplification";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        int nodesBefore = CountNodes(model);
        int weightsBefore = CountInitializers(model);
        SortedDictionary<string, int> counts = new(StringComparer.Ordinal);
        if (IsEnabled(nameof(FixedInitializers)))
        {
            Count(counts, "initializers no longer inputs", FixedInitializers.Apply(model));
        }

        model.Graph.RemoveUnused();
        Count(counts, "unused nodes", nodesBefore - CountNodes(model));
        Count(counts, "unused initializers", weightsBefore - CountInitializers(model));

        HashSet<string> refusals = [];
        for (int round = 0; round < MostRounds; round++)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            context.Progress?.Report((double)round / MostRounds);
            refusals.Clear();
            if (!ApplyRound(model, context.Target, counts, refusals))
            {
                break;
            }
        }

        foreach (Graph graph in model.Graph.WithSubgraphs().ToArray().Where(_ => IsEnabled(nameof(MergeDuplicateInitializers))))
        {
            Count(counts, "duplicate initializers merged", MergeDuplicateInitializers.Apply(graph));
        }

        model.Graph.RemoveUnused();
        FixedInitializers.RaiseIrVersion(model);
        if (counts.Count > 0)
        {
            model.IrVersion = Math.Min(model.IrVersion, model.LowestIrVersion);
        }

        int nodesAfter = CountNodes(model);
        string[] reasons = [.. refusals.Order(StringComparer.Ordinal)];
        return counts.Count == 0
            ? PassOutcome.Refused("The model is as simple as the rules can make it.", reasons)
            : PassOutcome.Applied($"{nodesBefore} → {nodesAfter} nodes ({string.Join(", ", counts.Select(entry => $"{entry.Key}: {entry.Value}"))}).", reasons);
    }

    private bool ApplyRound(Model model, TargetProfile target, SortedDictionary<string, int> counts, HashSet<string> refusals)
    {
        RuleContext context = new(ShapeInference.Infer(model.Graph), target);
        bool changed = false;
        foreach (Graph graph in model.Graph.WithSubgraphs().ToArray().Where(IsAttached))
        {
            foreach (IGraphRule rule in Rules.Where(rule => IsEnabled(rule.GetType().Name)))
            {
                int applied = ApplyEverywhere(rule, graph, context, refusals);
                Count(counts, rule.Name, applied);
                changed |= applied > 0;
            }

            int folded = IsEnabled(nameof(FoldConstants)) ? FoldConstants.Apply(graph, context, refusals) : 0;
            Count(counts, "constant folding", folded);
            changed |= folded > 0;
        }

        model.Graph.RemoveUnused();
        return changed;
    }

    private bool IsEnabled(string rule) => !disabled.Contains(rule);

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
