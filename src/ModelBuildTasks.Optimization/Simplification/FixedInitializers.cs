using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Initializers that are also graph inputs become plain weights. Before IR version 4 each initializer had to be listed as an
/// input, which lets callers override it and so keeps runtimes from folding anything into it; hardly any model means that. A
/// plain initializer needs IR version 4 (ONNX IR.md, "Graphs"), so older models are lifted to it; every ONNX Runtime reads it.
/// </summary>
/// <remarks>
/// From IR version 4 on, who lists an initializer may mean an option with a default. Exporters that only kept the habit
/// (<c>keep_initializers_as_inputs</c>) list them all, the weights of layers among them, which no caller feeds.
/// </remarks>
internal static class FixedInitializers
{
    /// <summary>A scalar or a vector may be a threshold or a scale that a caller sets; a matrix or a kernel is what was learned.</summary>
    private const int SmallestWeightRank = 2;

    /// <summary>Fixes all initializers, or none where callers may be meant to override them, and returns the names of those that it fixed.</summary>
    /// <param name="refusals">Gets a reason when some stay inputs.</param>
    internal static IReadOnlyList<string> Apply(Model model, ICollection<string> refusals)
    {
        Value[] overridable = [.. model.Graph.Inputs.Where(input => input.Initializer is not null)];
        if (overridable.Length > 0 && model.IrVersion >= IrVersions.PlainInitializers && !IsHabit(model.Graph))
        {
            refusals.Add($"fixed initializers: '{overridable[0].Name}' has a default, and callers may feed it: not all weights of the model are inputs, so this one is on purpose.");
            return [];
        }

        foreach (Value input in overridable)
        {
            model.Graph.RemoveInput(input);
        }

        return [.. overridable.Select(input => input.Name)];
    }

    /// <summary>Raises the IR version to one that has plain initializers where a rule made some.</summary>
    internal static void RaiseIrVersion(Model model)
    {
        if (model.Graph.WithSubgraphs().SelectMany(graph => graph.Initializers).Any(initializer => !initializer.IsInput))
        {
            model.IrVersion = Math.Max(model.IrVersion, IrVersions.PlainInitializers);
        }
    }

    private static bool IsHabit(Graph graph)
    {
        HashSet<Value> inputs = [.. graph.Inputs];
        return graph.Initializers.All(inputs.Contains) && graph.Initializers.Any(weight => weight.Initializer!.Dimensions.Count >= SmallestWeightRank);
    }
}
