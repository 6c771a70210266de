using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization.Subgraphs;

/// <summary>Decides what of a model's main graph computes in integers, without editing it.</summary>
/// <exception cref="CalibrationException">The samples do not give ranges.</exception>
internal delegate (CalibratedModel Model, QuantizationChoice Choice, QuantizationPlan Plan) Decide(Model model, PassContext context);

/// <summary>What was decided for the graph of one branch or loop body.</summary>
/// <param name="Graph">The graph in the model that is quantized.</param>
/// <param name="Model">The graph as a model of its own, with what its samples showed; null when none came to it.</param>
/// <param name="Choice">What computes in integers; null when nothing is known of it.</param>
/// <param name="Plan">The decisions.</param>
internal sealed record QuantizedGraph(Graph Graph, CalibratedModel? Model, QuantizationChoice? Choice, QuantizationPlan Plan)
{
    /// <summary>Whether anything in the graph computes in integers.</summary>
    internal bool HasIntegers => Choice is { Selection.Layers.Count: > 0 };

    /// <summary>Decides for every graph nested in a model, those in nested graphs before them.</summary>
    /// <param name="model">Its graphs are not edited, apart from names inside them that are not unique.</param>
    /// <param name="decide">Decides for one graph as a model of its own.</param>
    internal static IEnumerable<QuantizedGraph> In(Model model, PassContext context, Decide decide)
    {
        HoistedGraph.MakeNamesUnique(model);
        return [.. OfNested(model, model, context, decide)];
    }

    /// <param name="whole">The model that is quantized.</param>
    /// <param name="model">It, or a graph taken out of it.</param>
    private static IEnumerable<QuantizedGraph> OfNested(
        Model whole, Model model, PassContext context, Decide decide)
    {
        foreach (Graph graph in model.Graph.TopologicalOrder().SelectMany(node => node.Subgraphs).Where(graph => LayersOf(graph).Any()))
        {
            Graph original = HoistedGraph.InCopy(whole, graph);
            if (graph.Owner is not { OpType: "If" or "Loop", Domain: "" })
            {
                yield return InFloat(original, $"it stands inside a {graph.Owner!.OpType}, whose steps are not observed");
                continue;
            }

            if (context.IsJudged)
            {
                yield return InFloat(original, "the model lost more accuracy than it may, and branches and loops cannot be judged by themselves");
                continue;
            }

            using HoistedGraph hoisted = HoistedGraph.Of(model, graph, context.Calibration!, context.CancellationToken);
            if (hoisted.Samples.Count == 0)
            {
                yield return InFloat(original, "no calibration sample comes to the branch that it stands in");
                continue;
            }

            // Pinned are nodes of the main graph; their names may mean others here.
            PassContext inner = context with { Calibration = hoisted.Samples, JudgeAccuracy = null, Pinned = null };
            foreach (QuantizedGraph nested in OfNested(whole, hoisted.Model, inner, decide))
            {
                yield return nested;
            }

            yield return Decided(original, hoisted.Model, inner, decide);
        }
    }

    private static QuantizedGraph Decided(
        Graph original, Model hoisted, PassContext context, Decide decide)
    {
        if (!LayersIn(original).Any())
        {
            return new QuantizedGraph(original, null, null, new QuantizationPlan(null, [], [], []));
        }

        try
        {
            (CalibratedModel model, QuantizationChoice choice, QuantizationPlan plan) = decide(hoisted, context);
            return new QuantizedGraph(original, model, choice, plan);
        }
        catch (CalibrationException exception)
        {
            return InFloat(original, exception.Message, LayersIn(original));
        }
    }

    /// <summary>One sentence for each layer that stays in float.</summary>
    internal IEnumerable<string> Explain() => Model is null
        ? Plan.Layers.Select(layer => layer.Explanation)
        : Choice!.InFloat.Explain(Model.Candidates);

    /// <summary>Makes the graph compute in integers. What it reads must still be what the model computed when that was decided.</summary>
    internal void Apply() => Model!.ApplyTo(Graph, Choice!);

    private static QuantizedGraph InFloat(Graph graph, string reason, IEnumerable<Node>? layers = null) => new(
        graph, null, null, new QuantizationPlan(null, [], [.. (layers ?? LayersOf(graph)).Select(layer => new PlannedLayer(LinearLayer.Describe(layer), IsInteger: false, reason))], []));

    private static IEnumerable<Node> LayersOf(Graph graph) => graph.WithSubgraphs().SelectMany(LayersIn);

    private static IEnumerable<Node> LayersIn(Graph graph) =>
        graph.TopologicalOrder().Where(node => QuantizableOperators.IsLayer(node) || QuantizableOperators.MissingKernel(node) is not null);
}
