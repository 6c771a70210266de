using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>A model whose outputs are a forward model's and, behind them, the gradients of its loss.</summary>
/// <param name="Model">Inputs: the forward model's, then one for each parameter, named as it. Outputs: the forward model's, then one gradient for each parameter.</param>
/// <param name="Parameters">Names of the parameters, in order.</param>
public sealed record GradientModel(Model Model, IReadOnlyList<string> Parameters);

/// <summary>
/// Reverse-mode differentiation of a graph into a graph: nodes are visited from the loss backwards, and each operator's
/// <see cref="IGradientRule"/> turns the gradient of its outputs into that of its inputs.
/// </summary>
public static class GradientBuilder
{
    /// <summary>Lowest operator set whose operators the rules emit (axes of ReduceSum as an input).</summary>
    public const long LowestOpset = 13;

    /// <param name="forward">The model; it is not changed.</param>
    /// <param name="loss">Name of the scalar value to differentiate.</param>
    /// <param name="parameters">Names of the initializers whose gradients are wanted. They become inputs.</param>
    /// <param name="example">One tensor for each input of the model. The result is for inputs of exactly these shapes.</param>
    /// <exception cref="GradientException">A node between loss and parameters has no rule, or a name is unknown.</exception>
    public static GradientModel Build(Model forward, string loss, IReadOnlyList<string> parameters, IReadOnlyList<Tensor> example)
    {
        if (forward.Opset < LowestOpset)
        {
            throw new GradientException($"Differentiation needs operator set {LowestOpset} or later; the model has {forward.Opset}.");
        }

        Model model = forward.Clone();
        Graph graph = model.Graph;
        Value lossValue = graph.Find(loss) ?? throw new GradientException($"There is no value '{loss}' to differentiate.");
        Value[] weights = [.. parameters.Select(name => graph.Find(name) is { Initializer: not null } weight
            ? weight
            : throw new GradientException($"There is no initializer '{name}' to differentiate by."))];

        IReadOnlyList<Node> order = graph.TopologicalOrder();
        GradientContext context = new(graph, BehindParameters(order, weights), ShapeProbe.Run(model, lossValue, example));
        context.Contribute(lossValue, graph.AddInitializer("seed", ShapeProbe.Ones(context.Shape(lossValue))));
        for (int i = order.Count - 1; i >= 0; i--)
        {
            Node node = order[i];
            if (node.Outputs.Any(context.HasGradient) && node.Inputs.Any(context.Needs))
            {
                IGradientRule rule = (node.Domain.Length == 0 ? GradientRules.Find(node.OpType) : null)
                    ?? throw new GradientException(node, $"the operator has no rule; those with one are {string.Join(", ", GradientRules.Operators)}");
                rule.Differentiate(node, context);
            }
        }

        foreach (Value weight in weights)
        {
            if (!context.HasGradient(weight))
            {
                throw new GradientException($"'{loss}' does not depend on '{weight.Name}'.");
            }

            graph.AddOutput(context.Gradient(weight));
            FeedFromOutside(graph, weight);
        }

        graph.RemoveUnused();
        return new GradientModel(model, [.. parameters]);
    }

    private static HashSet<Value> BehindParameters(IReadOnlyList<Node> order, IEnumerable<Value> weights)
    {
        HashSet<Value> wanted = [.. weights];
        foreach (Node node in order)
        {
            if (node.Inputs.Any(input => input is not null && wanted.Contains(input)))
            {
                wanted.UnionWith(node.Outputs);
            }
        }

        return wanted;
    }

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
