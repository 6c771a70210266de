using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Every mode of Resize is a matrix along each axis: Y = X·M for the one, and then the next. ∂X = ∂Y·Mᵀ along each. M is what the operator
/// makes of the unit matrix with the same attributes, so that its reading of coordinates is the forward pass's own.
/// </summary>
/// <remarks>The unit matrix is [1, n, n, 1] with the second n resized: interpolation runs over the last two axes in every mode.</remarks>
internal sealed class ResizeGradient : IGradientRule
{
    public string OpType => "Resize";

    public void Differentiate(Node node, GradientContext context)
    {
        if (node.GetString("coordinate_transformation_mode") == "tf_crop_and_resize" || node.GetString("keep_aspect_ratio_policy") is not (null or "stretch"))
        {
            throw new GradientException(node, "cropping and keeping the aspect ratio are not covered");
        }

        context.RefuseInput(node, node.Input(2), "its scales are not trained");
        Value x = node.Input(0)!;
        long[] from = context.Shape(x), to = context.Shape(node.Output);
        float[]? scales = Scales(node, from.Length);
        Value gradient = context.Gradient(node.Output);
        for (int axis = 0; axis < from.Length; axis++)
        {
            if (from[axis] != to[axis] || (scales is not null && scales[axis] != 1))
            {
                gradient = Along(gradient, axis, from.Length, Matrix(node, from[axis], to[axis], scales?[axis], context), context);
            }
        }

        context.Contribute(x, gradient);
    }

    /// <summary>One factor an axis of X; null when the sizes are given instead.</summary>
    private static float[]? Scales(Node node, int rank)
    {
        if (node.Input(3) is not null)
        {
            return null;
        }

        float[] given = node.Input(2)?.Constant?.ToSingles() ?? throw new GradientException(node, "its scales are computed, which is not covered");
        float[] scales = [.. Enumerable.Repeat(1f, rank)];
        long[] axes = node.GetInts("axes") ?? [.. Enumerable.Range(0, rank).Select(axis => (long)axis)];
        for (int i = 0; i < axes.Length; i++)
        {
            scales[axes[i] < 0 ? axes[i] + rank : axes[i]] = given[i];
        }

        return scales;
    }

    /// <summary>Mᵀ, [to, from].</summary>
    private static Value Matrix(Node node, long from, long to, float? scale, GradientContext context)
    {
        float[] unit = new float[from * from];
        for (int i = 0; i < from; i++)
        {
            unit[(i * from) + i] = 1;
        }

        Graph graph = context.Graph;
        Value image = graph.AddInitializer("unit", Tensor.Create([1, from, from, 1], unit));
        Node resize = scale is { } factor
            ? graph.AddNode("Resize", [image, null, graph.AddInitializer("scales", Tensor.Vector(1f, 1, factor, 1))])
            : graph.AddNode("Resize", [image, null, null, context.Integers(1, from, to, 1)]);
        resize.CopyAttributesFrom(node);
        resize.Unset("axes");
        return context.Transpose(context.Reshape(resize.Output, from, to), 1, 0);
    }

    /// <summary>The product of one axis of a tensor with a matrix.</summary>
    private static Value Along(Value gradient, int axis, int rank, Value matrix, GradientContext context)
    {
        if (axis == rank - 1)
        {
            return context.Graph.Add("MatMul", gradient, matrix);
        }

        long[] swap = [.. Enumerable.Range(0, rank).Select(other => (long)other)];
        (swap[axis], swap[rank - 1]) = (swap[rank - 1], swap[axis]);
        return context.Transpose(context.Graph.Add("MatMul", context.Transpose(gradient, swap), matrix), swap);
    }
}
