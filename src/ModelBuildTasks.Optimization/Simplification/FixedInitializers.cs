using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Initializers that are also graph inputs become plain weights. Before IR version 4 each initializer had to be listed as an
/// input, which lets callers override it and so keeps runtimes from folding anything into it; hardly any model means that. A
/// plain initializer needs IR version 4 (ONNX IR.md, "Graphs"), so older models are lifted to it; every ONNX Runtime reads it.
/// </summary>
internal static class FixedInitializers
{
    /// <summary>Fixes all initializers and returns how many there were.</summary>
    internal static int Apply(Model model)
    {
        Value[] overridable = [.. model.Graph.Inputs.Where(input => input.Initializer is not null)];
        foreach (Value input in overridable)
        {
            model.Graph.RemoveInput(input);
        }

        return overridable.Length;
    }

    /// <summary>Raises the IR version to one that has plain initializers where a rule made some.</summary>
    internal static void RaiseIrVersion(Model model)
    {
        if (model.Graph.WithSubgraphs().SelectMany(graph => graph.Initializers).Any(initializer => !initializer.IsInput))
        {
            model.IrVersion = Math.Max(model.IrVersion, IrVersions.PlainInitializers);
        }
    }
}
