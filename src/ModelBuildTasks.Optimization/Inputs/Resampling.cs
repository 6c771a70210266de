using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Inputs;

/// <summary>
/// Resizes images in the graph as data sets are resized (Pillow's filters, whose support grows with the reduction, rows first, 8 bits between the passes): each pass is a product with a matrix of
/// weights, which the graph computes from the size that it is given.
/// </summary>
/// <remarks>
/// Resize has antialiasing from operator set 18 on, on few execution providers, with no way to say where a cut begins between two pixels. These operators are in every runtime.
/// Pillow's weights have 22 bits: a byte whose sum lies on a half, one in twenty of some reductions, may be its neighbour here.
/// </remarks>
internal sealed class Resampling
{
    private const long HeightAxis = -2;
    private const long WidthAxis = -1;
    private const float LargestByte = 255;

    private readonly Graph graph;
    private readonly Resizing resizing;
    private readonly Value height;
    private readonly Value width;

    private Resampling(Value image, Resizing resizing)
    {
        graph = image.Graph;
        this.resizing = resizing;
        Value shape = graph.Add("Shape", image);
        height = graph.Add("Gather", shape, Whole(HeightAxis));
        width = graph.Add("Gather", shape, Whole(WidthAxis));
    }

    /// <param name="image">Float [N, C, height, width] or [C, height, width], whole numbers from 0 to 255.</param>
    /// <param name="resizing">To what size, and how.</param>
    /// <returns>The same of the new size; all readers of <paramref name="image"/> read it now.</returns>
    internal static Value Insert(Value image, Resizing resizing)
    {
        Use[] readers = [.. image.Uses];
        Value resized = new Resampling(image, resizing).Resize(image);
        foreach (Use use in readers)
        {
            use.Node.SetInput(use.Index, resized);
        }

        return resized;
    }

    private Value Resize(Value image)
    {
        (Axis vertical, Axis horizontal) = resizing switch
        {
            { Mode: ResizeMode.Stretch } => (Stretched(height, resizing.Height), Stretched(width, resizing.Width)),
            { ShorterSide: { } side } => (ScaledThenCut(height, resizing.Height, side), ScaledThenCut(width, resizing.Width, side)),
            _ => (Covering(height, width, resizing.Height, resizing.Width), Covering(width, height, resizing.Width, resizing.Height)),
        };
        Value columns = graph.AddNode("Transpose", [Weights(horizontal)]).Set("perm", new long[] { 1, 0 }).Output;
        Value narrowed = ToBytes(graph.Add("MatMul", image, columns));
        return ToBytes(graph.Add("MatMul", Weights(vertical), narrowed));
    }

    private Axis Stretched(Value size, int count) => new(size, Number(0), graph.Add("Div", Real(size), Number(count)), Number(0), count);

    /// <summary>The largest centred part that has the result's shape, as PIL.ImageOps.fit takes it.</summary>
    private Axis Covering(Value size, Value other, int count, int otherCount)
    {
        Value part = graph.Add("Min", Real(size), graph.Add("Mul", Real(other), Number((float)count / otherCount)));
        Value offset = graph.Add("Mul", graph.Add("Sub", Real(size), part), Number(0.5f));
        return new(size, offset, graph.Add("Div", part, Number(count)), Number(0), count);
    }

    /// <summary>torchvision's Resize(side), then CenterCrop: the longer side is rounded down, the margin to even, as Round does.</summary>
    private Axis ScaledThenCut(Value size, int count, int side)
    {
        Value scaled = graph.Add("Div", graph.Add("Mul", size, Whole(side)), graph.Add("Min", height, width));
        Value margin = graph.Add("Round", graph.Add("Mul", graph.Add("Sub", Real(scaled), Number(count)), Number(0.5f)));
        return new(size, Number(0), graph.Add("Div", Real(size), Real(scaled)), margin, count);
    }

    /// <returns>Float [count, size]: how much of each pixel is in each pixel of the result.</returns>
    private Value Weights(Axis axis)
    {
        Value places = graph.AddInitializer("places", Tensor.Create([axis.Count, 1], [.. Enumerable.Range(0, axis.Count).Select(place => place + 0.5f)]));
        Value centers = graph.Add("Add", axis.Offset, graph.Add("Mul", graph.Add("Add", places, axis.First), axis.Step));
        Value pixels = graph.Add("Add", Real(graph.Add("Range", Whole(0), axis.Size, Whole(1))), Number(0.5f));
        Value support = graph.Add("Max", axis.Step, Number(1));
        Value distances = graph.Add("Abs", graph.Add("Div", graph.Add("Sub", pixels, centers), support));
        Value heights = resizing.Interpolation == Interpolation.Bicubic ? Cubic(distances) : graph.Add("Max", graph.Add("Sub", Number(1), distances), Number(0));
        return graph.Add("Div", heights, graph.Add("ReduceSum", heights, graph.AddInitializer("axis", Tensor.Vector(1L))));
    }

    /// <summary>Keys' cubic with a = −1/2, ((1.5·d − 2.5)·d)·d + 1 up to 1 and ((−0.5·d + 2.5)·d − 4)·d + 2 up to 2. Both parts are 0 where they end, so that they are one sum of clamped distances.</summary>
    private Value Cubic(Value distances)
    {
        Value near = graph.Add("Min", distances, Number(1));
        Value far = graph.Add("Max", graph.Add("Min", distances, Number(2)), Number(1));
        return graph.Add("Add", Polynomial(near, 1.5f, -2.5f, 0, 1), Polynomial(far, -0.5f, 2.5f, -4, 2));
    }

    private Value Polynomial(Value variable, params ReadOnlySpan<float> coefficients)
    {
        Value sum = Number(coefficients[0]);
        foreach (float coefficient in coefficients[1..])
        {
            sum = graph.Add("Mul", sum, variable);
            sum = coefficient == 0 ? sum : graph.Add("Add", sum, Number(coefficient));
        }

        return sum;
    }

    /// <summary>Halves are rounded up, as Pillow does it, not to even.</summary>
    private Value ToBytes(Value numbers)
    {
        Value rounded = graph.Add("Floor", graph.Add("Add", numbers, Number(0.5f)));
        // A triangle never leaves the range of what it averages.
        return resizing.Interpolation == Interpolation.Bicubic ? graph.Add("Clip", rounded, Number(0), Number(LargestByte)) : rounded;
    }

    private Value Real(Value whole) => graph.AddNode("Cast", [whole]).Set("to", (long)ElementType.Float).Output;

    private Value Number(float number) => graph.AddInitializer("number", Tensor.Scalar(number));

    private Value Whole(long number) => graph.AddInitializer("whole", Tensor.Scalar(number));

    /// <summary>One axis: <paramref name="Count"/> pixels are kept from <paramref name="First"/> on of those that lie <paramref name="Step"/> source pixels apart from <paramref name="Offset"/> on.</summary>
    /// <param name="Size">Pixels of the source, Int64.</param>
    private readonly record struct Axis(Value Size, Value Offset, Value Step, Value First, int Count);
}
