using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Slice(x, [0, n₁)), Slice(x, [n₁, n₂)), …, Slice(x, [nₖ, n)) along one axis of fixed size n → Split(x, n₁, n₂ − n₁, …). The pieces cover the axis
/// without gap or overlap, which is what Split does.
/// </summary>
internal sealed class MergeSlicesIntoSplit : IGraphRule
{
    /// <summary>Split takes pieces of different size since this operator set, but as an attribute.</summary>
    private const long SplitSince = 2;

    public string Name => "slices to split";

    public bool Matches(Node node) => SliceRange.IsSlice(node);

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0) is not { } x || node.Graph.Model.Opset < SplitSince || RangeOf(node, context) is not { Start: 0 } first)
        {
            return RuleOutcome.NotApplicable;
        }

        long size = context.TypeOf(x)!.Shape![(int)first.Axis].Size!.Value;
        SliceRange[] all =
        [
            .. x.Uses.Where(use => use.Index == 0 && use.Node.Graph == node.Graph && SliceRange.IsSlice(use.Node))
                .Select(use => RangeOf(use.Node, context)).OfType<SliceRange>().Where(range => range.Axis == first.Axis),
        ];
        List<SliceRange> pieces = [first];
        while (pieces[^1].End < size)
        {
            // An empty piece would never end.
            if (all.FirstOrDefault(range => range.Start == pieces[^1].End && range.End > range.Start) is not { Slice: not null } next)
            {
                return RuleOutcome.NotApplicable;
            }

            pieces.Add(next);
        }

        if (pieces.Count < 2 || first.End == 0)
        {
            return RuleOutcome.NotApplicable;
        }

        Node split = node.Graph.AddNode("Split", [x], pieces.Count, node.Name);
        split.Set("axis", first.Axis);
        long[] sizes = [.. pieces.Select(piece => piece.End - piece.Start)];
        if (node.Graph.Model.Opset >= StatedIntegers.AxesInputSince)
        {
            split.SetInput(1, node.Graph.AddInitializer("split", Tensor.Vector(sizes)));
        }
        else
        {
            split.Set("split", sizes);
        }

        for (int i = 0; i < pieces.Count; i++)
        {
            pieces[i].Slice.Output.ReplaceWith(split.Outputs[i]);
            node.Graph.Remove(pieces[i].Slice);
        }

        return RuleOutcome.Applied;
    }

    /// <summary>The piece that a Slice along one axis of fixed size takes.</summary>
    private static SliceRange? RangeOf(Node slice, RuleContext context) => SliceRange.AllOf(slice, context) is [var range] && range.Step == 1 ? range : null;
}
