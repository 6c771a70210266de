using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Shape(x) → constant where x has fixed dimensions; Gather(Shape(x), i) → constant where the dimensions that it picks are fixed,
/// whatever the others are. A dimension is fixed when the model's inputs fix it, and ONNX Runtime refuses to run on others.
/// </summary>
internal sealed class FoldShape : IGraphRule
{
    public string Name => "shape folding";

    public bool Matches(Node node) => node is { OpType: "Shape" or "Size", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Output.IsOutput)
        {
            return RuleOutcome.Refused($"'{node.Output.Name}' is an output of the graph");
        }

        if (context.TypeOf(node.Input(0)!)?.Shape is not { } shape)
        {
            return RuleOutcome.NotApplicable;
        }

        if (node.OpType == "Size")
        {
            return context.StaticShapeOf(node.Input(0)!) is { } sizes && Replace(node.Output, Tensor.Scalar(sizes.Aggregate(1L, (product, size) => product * size)))
                ? Removed(node)
                : RuleOutcome.NotApplicable;
        }

        int start = Clamp(node.GetInt("start", 0), shape.Count);
        int end = Clamp(node.GetInt("end", shape.Count), shape.Count);
        Dimension[] dimensions = [.. shape.Skip(start).Take(Math.Max(0, end - start))];
        if (dimensions.All(dimension => dimension.Size is not null))
        {
            return Replace(node.Output, Tensor.Vector<long>([.. dimensions.Select(dimension => dimension.Size!.Value)])) ? Removed(node) : RuleOutcome.NotApplicable;
        }

        bool changed = false;
        foreach (Node gather in node.Output.Uses.Where(use => use is { Index: 0, Node: { OpType: "Gather", Domain: "" } }).Select(use => use.Node).ToArray())
        {
            if (Picked(gather, dimensions) is { } picked && Replace(gather.Output, picked))
            {
                gather.Graph.Remove(gather);
                changed = true;
            }
        }

        return changed ? RuleOutcome.Applied : RuleOutcome.NotApplicable;
    }

    private static Tensor? Picked(Node gather, Dimension[] dimensions)
    {
        Tensor? indices = gather.Input(1)?.Constant;
        long[]? picks = indices?.ElementType switch
        {
            ElementType.Int64 => indices.Span<long>().ToArray(),
            ElementType.Int32 => Array.ConvertAll(indices.Span<int>().ToArray(), index => (long)index),
            _ => null,
        };
        if (picks is null)
        {
            return null;
        }

        long[] sizes = new long[picks.Length];
        for (int i = 0; i < picks.Length; i++)
        {
            long index = picks[i] < 0 ? picks[i] + dimensions.Length : picks[i];
            if (index < 0 || index >= dimensions.Length || dimensions[index].Size is not { } size)
            {
                return null;
            }

            sizes[i] = size;
        }

        return Tensor.Create([.. indices!.Dimensions], sizes);
    }

    private static bool Replace(Value value, Tensor constant)
    {
        if (value.IsOutput)
        {
            return false;
        }

        value.ReplaceWith(value.Graph.AddInitializer(value.Name, constant));
        return true;
    }

    private static RuleOutcome Removed(Node node)
    {
        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }

    private static int Clamp(long index, int rank) => (int)Math.Clamp(index < 0 ? index + rank : index, 0, rank);
}
