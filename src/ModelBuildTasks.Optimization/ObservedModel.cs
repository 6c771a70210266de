using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization;

/// <summary>A model that gives other values of itself than its outputs, and computes no more than they need.</summary>
internal static class ObservedModel
{
    /// <summary>A copy of a model whose outputs are some of its values.</summary>
    /// <param name="model">The model; it is not changed.</param>
    /// <param name="values">Names of values of its main graph, each once.</param>
    internal static Model Of(Model model, IEnumerable<string> values)
    {
        Model copy = model.Clone();
        foreach (Value output in copy.Graph.Outputs.ToArray())
        {
            copy.Graph.RemoveOutput(output);
        }

        foreach (string value in values)
        {
            copy.Graph.AddOutput(copy.Graph.Find(value)!);
        }

        copy.Graph.RemoveUnused();
        return copy;
    }

    /// <summary>A session of such a copy.</summary>
    /// <exception cref="InferenceException">ONNX Runtime does not load it.</exception>
    internal static ModelSession Open(Model model, IEnumerable<Value> values, SessionSettings? settings = null) => ModelSession.Open(Of(model, values.Select(value => value.Name)), settings);
}
