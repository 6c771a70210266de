using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Squeeze(Transpose(x, p), A) → Transpose(Squeeze(x, p[A]), p′): axis a of the transposed is axis p[a] of x, and p′ is the order that p gives to the
/// others. Saves nothing itself, but the Transpose then meets what follows, often its inverse: converters write LSTMs that way.
/// </summary>
internal sealed class SqueezeBeforeTranspose : IGraphRule
{
    public string Name => "squeeze before transpose";

    public bool Matches(Node node) => node is { OpType: "Squeeze", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0) is not { Uses.Count: 1, IsOutput: false, Producer: { OpType: "Transpose", Domain: "" } transpose } || transpose.Graph != node.Graph
            || StatedIntegers.Order(transpose) is not { } order || transpose.Input(0) is not { } x || StatedIntegers.Axes(node, order.Length) is not { } axes)
        {
            return RuleOutcome.NotApplicable;
        }

        long[] squeezed = [.. axes.Select(axis => order[axis]).Order()];
        long[] kept = [.. order.Except(squeezed)];
        (string turned, string made) = (transpose.Output.Name, node.Output.Name);
        Value? stated = node.Input(1);
        node.SetInput(1, null);
        Node first = node.Graph.AddNode("Squeeze", [x, stated], name: node.Name);
        StatedIntegers.SetAxes(first, squeezed, StatedIntegers.AxesInputSince);
        Node second = node.Graph.AddNode("Transpose", [first.Output], name: transpose.Name).Set("perm", [.. kept.Select(axis => axis - squeezed.Count(gone => gone < axis))]);
        node.Output.ReplaceWith(second.Output);
        node.Graph.Remove(node);
        node.Graph.Remove(transpose);
        // Names with a number behind them could be what makes a small model grow.
        first.Output.Name = turned;
        second.Output.Name = made;
        return RuleOutcome.Applied;
    }
}
