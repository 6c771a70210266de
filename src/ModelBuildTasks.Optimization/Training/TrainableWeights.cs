using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>
/// Which float constants of a model's main graph are weights, told by what reads them: filters, matrices, embeddings, biases, scale and shift of
/// normalizations, slopes, and what is added or multiplied along the channels of a layer. Bounds, epsilons, factors, running statistics,
/// quantization scales, masks, coordinates that are added to positions, and what prepares the input before the first layer are none.
/// A fixed transform that is stored as a filter (a spectrogram's) can't be told from one.
/// </summary>
public static class TrainableWeights
{
    /// <summary>Names of the initializers that are weights, in the graph's order. One that is read in another role as well is left out; see <see cref="Hoist"/>.</summary>
    public static IReadOnlyList<string> Of(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        WeightRoles roles = new(model.Graph);
        return [.. model.Graph.Initializers.Where(value => !value.IsOutput && value.Uses.Count > 0 && value.Uses.All(use => roles.IsWeight(value, use))).Select(value => value.Name)];
    }

    /// <summary>
    /// Edits the model so that each of its weights is an initializer of its own: Constant nodes become initializers of the same name, and a
    /// constant that is read in another role too is copied, so that training does not move, say, the running mean that is stored with it.
    /// </summary>
    /// <returns>What <see cref="Of"/> returns from then on.</returns>
    public static IReadOnlyList<string> Hoist(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        Graph graph = model.Graph;
        WeightRoles roles = new(graph);
        foreach (Value value in graph.Values.Where(value => value.Initializer is not null || value.Producer is { OpType: "Constant", Domain: "" }).ToArray())
        {
            Use[] weights = [.. value.Uses.Where(use => roles.IsWeight(value, use))];
            bool isApart = weights.Length == value.Uses.Count && !value.IsOutput;
            if (weights.Length == 0 || (isApart && value.Initializer is not null))
            {
                continue;
            }

            Value weight = graph.AddInitializer(value.Name, value.Initializer ?? value.Constant!);
            foreach (Use use in weights)
            {
                use.Node.SetInput(use.Index, weight);
            }

            if (isApart)
            {
                string name = value.Name;
                graph.Remove(value.Producer!);
                weight.Name = name;
            }
        }

        return Of(model);
    }
}
