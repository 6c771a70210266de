using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests;

/// <summary>Models with an If.</summary>
internal static class Branches
{
    /// <summary>Adds If(<paramref name="condition"/>) with one result. Each branch is given its own graph, and may read any value around it.</summary>
    internal static Value AddIf(Value condition, Func<Graph, Value> then, Func<Graph, Value> otherwise)
    {
        Node choice = condition.Graph.AddNode("If", [condition]);
        foreach ((string name, Func<Graph, Value> build) in new[] { ("then_branch", then), ("else_branch", otherwise) })
        {
            Graph branch = choice.AddGraph(name);
            branch.AddOutput(build(branch));
        }

        return choice.Output;
    }
}
