using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>A pass that edits the model as the test says.</summary>
internal sealed class EditingPass(string name, Action<Model> edit) : IModelPass
{
    public string Name => name;

    public PassOutcome Apply(Model model, PassContext context)
    {
        edit(model);
        return PassOutcome.Applied($"{name} was done.");
    }

    /// <summary>Changes the bytes, not what is computed.</summary>
    internal static EditingPass Harmless(string name) => new(name, model => model.Metadata["edited by"] = name);

    /// <summary>Makes the file much larger, and computes the same.</summary>
    internal static EditingPass Growing(string name) => new(name, model => model.Metadata["padding"] = new string('-', 100_000));

    /// <summary>Every answer becomes class 0.</summary>
    internal static EditingPass Ruinous(string name) => new(name, model => ReplaceScores(model, (graph, scores) =>
        graph.Add("Add", graph.Add("Mul", scores, graph.AddInitializer("none", Tensor.Scalar(0f))), graph.AddInitializer("first", Tensor.Vector(1f, 0f, 0f, 0f)))));

    /// <summary>Puts nodes between the last node and the output.</summary>
    internal static void ReplaceScores(Model model, Func<Graph, Value, Value> change)
    {
        Graph graph = model.Graph;
        Value scores = graph.Outputs[0];
        graph.RemoveOutput(scores);
        scores.Name = "raw";
        Value changed = change(graph, scores);
        changed.Name = "scores";
        changed.Type ??= scores.Type;
        graph.AddOutput(changed);
    }
}

/// <summary>A pass that never applies.</summary>
internal sealed class RefusingPass(string name, string reason) : IModelPass
{
    public string Name => name;

    public PassOutcome Apply(Model model, PassContext context) => PassOutcome.Refused(reason);
}
