using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// (y, z) = If(c, (a, b), (d, e)) → y = If(c, a, d), when nobody reads z; likewise what a Loop or a Scan collects. What only b and
/// e need falls away with them. Safe because the outputs of the graphs inside go by position, and all lose the same one.
/// </summary>
/// <remarks>What a Loop or a Scan carries stays: the next iteration reads it. A node that loses all outputs is dropped whole elsewhere.</remarks>
internal sealed class RemoveDeadOutputs : IGraphRule
{
    public string Name => "unused outputs";

    public bool Matches(Node node) => node is { OpType: "If" or "Loop" or "Scan", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (Inner(node) is not { } inner || !node.Outputs.Any(IsRead))
        {
            return RuleOutcome.NotApplicable;
        }

        bool changed = false;
        for (int i = node.Outputs.Count - 1; i >= inner.FirstRemovable; i--)
        {
            if (!IsRead(node.Outputs[i]))
            {
                node.RemoveOutput(i);
                foreach (Graph graph in inner.Graphs)
                {
                    RemoveOutput(graph, i + inner.Ahead);
                }

                changed = true;
            }
        }

        return changed ? RuleOutcome.Applied : RuleOutcome.NotApplicable;
    }

    private static bool IsRead(Value output) => output.Uses.Count > 0 || output.IsOutput;

    /// <summary>The graphs whose outputs become the node's, how many of theirs stand ahead of the node's first, and the first of the node's that may go.</summary>
    private static (Graph[] Graphs, int Ahead, int FirstRemovable)? Inner(Node node)
    {
        (Graph?[] graphs, int ahead, int carried) = node.OpType switch
        {
            "If" => ([node.GetGraph("then_branch"), node.GetGraph("else_branch")], 0, 0),
            "Loop" => ([node.GetGraph("body")], 1, Math.Max(node.Inputs.Count - 2, 0)),
            _ => ((Graph?[])[node.GetGraph("body")], 0, node.Inputs.Count - (int)node.GetInt("num_scan_inputs", 0)),
        };

        // Attributes that speak of outputs by their place would have to change as well.
        bool goesByPlace = node.Has("scan_output_axes") || node.Has("scan_output_directions");
        return !goesByPlace && carried >= 0 && graphs.All(graph => graph?.Outputs.Count == node.Outputs.Count + ahead) ? ([.. graphs.OfType<Graph>()], ahead, carried) : null;
    }

    /// <summary>A graph may hand out one value at two places.</summary>
    private static void RemoveOutput(Graph graph, int place)
    {
        Value[] outputs = [.. graph.Outputs];
        foreach (Value output in outputs)
        {
            graph.RemoveOutput(output);
        }

        foreach (Value output in outputs.Where((_, i) => i != place))
        {
            graph.AddOutput(output);
        }
    }
}
