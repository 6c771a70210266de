using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>A model whose outputs are a forward model's and, behind them, the gradients of its loss.</summary>
/// <param name="Model">Inputs: the forward model's, then one for each parameter, named as it. Outputs: the forward model's, then one gradient for each parameter.</param>
/// <param name="Parameters">Names of the parameters that have a gradient, in the order in which they were asked for.</param>
/// <param name="Gaps">Why the other parameters have none. These stay as they are in the model.</param>
public sealed record GradientModel(Model Model, IReadOnlyList<string> Parameters, IReadOnlyList<GradientGap> Gaps);

/// <summary>
/// Reverse-mode differentiation of a graph into a graph: nodes are visited from the loss backwards, and each operator's
/// <see cref="IGradientRule"/> turns the gradient of its outputs into that of its inputs.
/// </summary>
public static class GradientBuilder
{
    /// <summary>Lowest operator set whose operators the rules emit (axes of ReduceSum as an input). Older models are lifted to it.</summary>
    private const long LowestOpset = 13;

    /// <summary>Operator set to which the gradient model is raised: it can sum what is scattered, and cast to the type of another value.</summary>
    private const long RaisedOpset = 16;

    /// <param name="forward">The model; it is not changed.</param>
    /// <param name="loss">Name of the scalar value to differentiate.</param>
    /// <param name="parameters">Names of the initializers whose gradients are wanted. They become inputs.</param>
    /// <param name="example">One tensor for each input of the model. The result is for inputs of exactly these shapes.</param>
    /// <exception cref="GradientException">None of the parameters can have a gradient, one is not of float, a name is unknown, or the model cannot be lifted to operator set 13.</exception>
    public static GradientModel Build(Model forward, string loss, IReadOnlyList<string> parameters, IReadOnlyList<Tensor> example)
    {
        Model model = forward.Clone();
        Graph graph = model.Graph;
        RaiseOpset(model);
        FixedBranches.Inline(graph);
        Value lossValue = graph.Find(loss) ?? throw new GradientException($"There is no value '{loss}' to differentiate.");
        Value[] weights = [.. parameters.Select(name => graph.Find(name) is { Initializer: not null } weight
            ? weight
            : throw new GradientException($"There is no initializer '{name}' to differentiate by."))];
        if (weights.FirstOrDefault(weight => weight.Initializer!.ElementType != ElementType.Float) is { } other)
        {
            throw new GradientException($"'{other.Name}' is of {other.Initializer!.ElementType}; only Float can be differentiated by.");
        }

        UnrollSequences(model, weights, lossValue, example);
        lossValue = graph.Find(loss)!;
        IReadOnlyList<Node> order = graph.TopologicalOrder();
        GradientContext context = new(graph, Dependence.After(order, weights), ShapeProbe.Run(model, lossValue, example, out IReadOnlyDictionary<Value, ElementType> types));
        context.Contribute(lossValue, graph.AddInitializer("seed", ShapeProbe.Ones(context.Shape(lossValue))));
        for (int i = order.Count - 1; i >= 0; i--)
        {
            Differentiate(order[i], types, context);
        }

        Value[] trained = [.. weights.Where(weight => context.Needs(weight) && context.HasGradient(weight))];
        List<GradientGap> gaps = Gaps(weights, trained, loss, context);
        if (trained.Length == 0)
        {
            throw new GradientException(string.Join(" ", gaps.Select(gap => gap.Reason)));
        }

        foreach (Value weight in trained)
        {
            graph.AddOutput(context.Gradient(weight));
            FeedFromOutside(graph, weight);
        }

        graph.RemoveUnused();
        return new GradientModel(model, [.. trained.Select(weight => weight.Name)], gaps);
    }

    /// <summary>
    /// Lifts a model in place to operator set 16 where that changes no node's meaning. Sets 14 to 16 read every node of set 13 as before, but
    /// for RoiAlign, whose coordinates moved by half a pixel, and for a BatchNormalization with the outputs of training.
    /// </summary>
    /// <exception cref="GradientException">An operator cannot be lifted to set 13.</exception>
    internal static void RaiseOpset(Model model)
    {
        if (OpsetUpgrade.Apply(model, LowestOpset) is { } reason)
        {
            throw new GradientException($"Differentiation needs operator set {LowestOpset} or later: {reason}.");
        }

        IEnumerable<Node> nodes = model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes);
        if (model.Opset < RaisedOpset && !nodes.Any(node => node is { OpType: "RoiAlign" } or { OpType: "BatchNormalization", Outputs.Count: > 1 }))
        {
            model.OpsetImports[""] = RaisedOpset;
            model.IrVersion = Math.Max(model.IrVersion, model.LowestIrVersion);
        }
    }

    private static void UnrollSequences(Model model, Value[] weights, Value loss, IReadOnlyList<Tensor> example)
    {
        HashSet<Value> wanted = Dependence.After(model.Graph.TopologicalOrder(), weights);
        Node[] layers = [.. model.Graph.Nodes.Where(node => RecurrentUnrolling.IsRecurrent(node) && node.Outputs.Any(wanted.Contains))];
        if (layers.Length > 0)
        {
            IReadOnlyDictionary<Value, long[]> shapes = ShapeProbe.Run(model, loss, example, out IReadOnlyDictionary<Value, ElementType> types);
            foreach (Node layer in layers.Where(layer => types[layer.Input(0)!] == ElementType.Float && RecurrentUnrolling.Obstacle(layer, shapes[layer.Input(0)!]) is null))
            {
                RecurrentUnrolling.Unroll(layer, shapes);
            }
        }
    }

    private static void Differentiate(Node node, IReadOnlyDictionary<Value, ElementType> types, GradientContext context)
    {
        if (!node.Outputs.Any(context.IsReached) || !context.IsBehind(node))
        {
            return;
        }

        if (GradientRules.Find(node) is not { } rule)
        {
            context.Refuse(node, "the operator has no rule");
        }
        else if (!rule.CoversEveryOutput && node.Outputs.Skip(1).FirstOrDefault(context.HasGradient) is { } other)
        {
            context.Refuse(node, $"the loss depends on its output '{other.Name}', which is not covered");
        }
        else if (node.Inputs.Any(context.Needs) && node.Outputs.Any(context.HasGradient))
        {
            if (RealTypes(node, types, context).FirstOrDefault(type => !rule.Covers(type)) is var uncovered and not ElementType.Undefined)
            {
                context.Refuse(node, $"it computes in {uncovered}, which is not covered");
                return;
            }

            try
            {
                rule.Differentiate(node, context);
            }
            catch (GradientException exception)
            {
                context.Refuse(node, exception);
            }
        }
    }

    /// <summary>The types of real numbers that a node makes, and of those that it reads whose gradients are wanted.</summary>
    private static IEnumerable<ElementType> RealTypes(Node node, IReadOnlyDictionary<Value, ElementType> types, GradientContext context) =>
        node.Inputs.OfType<Value>().Where(context.Needs).Concat(node.Outputs).Select(value => types.GetValueOrDefault(value)).Where(type => type.IsFloatingPoint());

    private static List<GradientGap> Gaps(Value[] weights, Value[] trained, string loss, GradientContext context)
    {
        List<GradientGap> gaps = [.. context.Refusals
            .Select(refusal => new GradientGap(refusal.Node.OpType, refusal.Reason, Names(weights.Where(refusal.Behind.Contains))))
            .Where(gap => gap.Parameters.Count > 0)];
        HashSet<string> explained = [.. gaps.SelectMany(gap => gap.Parameters)];
        string[] apart = Names(weights.Except(trained).Where(weight => !explained.Contains(weight.Name)));
        if (apart.Length > 0)
        {
            gaps.Add(new GradientGap("", $"'{loss}' does not depend on {string.Join(", ", apart.Select(name => $"'{name}'"))} by a path that has a derivative.", apart));
        }

        return gaps;
    }

    private static string[] Names(IEnumerable<Value> values) => [.. values.Select(value => value.Name)];

    private static void FeedFromOutside(Graph graph, Value weight)
    {
        Tensor initial = weight.Initializer!;
        string name = weight.Name;
        Value input = graph.AddInput(graph.UniqueName(name), new TensorType(initial.ElementType, [.. initial.Dimensions.Select(Dimension.FromInt64)]));
        weight.ReplaceWith(input);
        graph.RemoveInitializer(weight);
        input.Name = name;
    }
}
