using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>Puts the branch that an If with a constant condition always takes in the If's place, so that its operators can be differentiated.</summary>
internal static class FixedBranches
{
    public static void Inline(Graph graph)
    {
        // A branch may bring another such If with it.
        while (graph.Nodes.FirstOrDefault(node => Taken(node) is not null) is { } node)
        {
            string[] names = [.. node.Outputs.Select(output => output.Name)];
            Value[] results = [.. graph.Inline(Taken(node)!)];
            for (int i = 0; i < results.Length; i++)
            {
                node.Outputs[i].ReplaceWith(results[i]);
            }

            graph.Remove(node);
            for (int i = 0; i < results.Length; i++)
            {
                results[i].Name = names[i];
            }
        }
    }

    /// <summary>The branch, when each of its outputs is computed in it and stands once, so that it can take the name of the If's output.</summary>
    private static Graph? Taken(Node node) =>
        node is { OpType: "If", Domain: "" }
        && node.Input(0)?.Constant is { ElementType: ElementType.Bool, Length: 1 } condition
        && node.GetGraph(condition.Span<bool>()[0] ? "then_branch" : "else_branch") is { } branch
        && branch.Outputs.Count == node.Outputs.Count
        && branch.Outputs.Distinct().Count() == branch.Outputs.Count
        && branch.Outputs.All(output => output.Producer?.Graph == branch)
            ? branch
            : null;
}
