using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// How the windows of a convolution or pool lie: output position o meets input position o·stride − begin + k·dilation at kernel offset k.
/// Arrays have one entry a spatial axis. Of a transposed convolution, input and output change places.
/// </summary>
/// <param name="Input">Shape [N, C, …] of what the windows run over.</param>
/// <param name="Output">Shape [N, M, …] with one position for each window.</param>
/// <param name="Kernel">Offsets of a window.</param>
/// <param name="Strides">Step from window to window.</param>
/// <param name="Dilations">Step from offset to offset.</param>
/// <param name="Begin">Padding before the first element.</param>
/// <param name="End">Padding behind the last element, up to the end of the last window at least.</param>
internal sealed record Windows(long[] Input, long[] Output, long[] Kernel, long[] Strides, long[] Dilations, long[] Begin, long[] End)
{
    public int Axes => Kernel.Length;

    /// <summary>Windows of one sample and channel.</summary>
    public long Positions => Output.Skip(2).Product();

    /// <summary>Whether the one kernel offset meets every element of the padded input.</summary>
    public bool IsPointwise => Kernel.All(size => size == 1) && Strides.All(step => step == 1);

    /// <summary>Elements of the padded input that lie behind the last window.</summary>
    public long[] Rest => [.. Enumerable.Range(0, Axes).Select(axis => Input[axis + 2] + Begin[axis] + End[axis] - Reach(axis))];

    /// <summary>Every kernel offset in row-major order.</summary>
    public IEnumerable<long[]> Offsets =>
        Kernel.Aggregate<long, IEnumerable<long[]>>([[]], (offsets, size) =>
            from offset in offsets
            from k in Enumerable.Range(0, (int)size)
            select (long[])[.. offset, k]);

    /// <summary>Reads the attributes that convolutions and pools share. Padding by <c>auto_pad</c> follows from the shapes.</summary>
    public static Windows Of(Node node, long[] input, long[] output, long[] kernel)
    {
        int axes = kernel.Length;
        long[] ones = [.. Enumerable.Repeat(1L, axes)];
        long[] pads = node.GetInts("pads") ?? new long[2 * axes];
        Windows windows = new(input, output, kernel, node.GetInts("strides") ?? ones, node.GetInts("dilations") ?? ones, pads[..axes], pads[axes..]);
        for (int axis = 0; axis < axes; axis++)
        {
            if (node.GetString("auto_pad") is "SAME_UPPER" or "SAME_LOWER")
            {
                long total = Math.Max(0, windows.Reach(axis) - input[axis + 2]);
                windows.Begin[axis] = node.GetString("auto_pad") is "SAME_UPPER" ? total / 2 : total - (total / 2);
                windows.End[axis] = total - windows.Begin[axis];
            }

            // A pool that rounds the number of windows up has a last one that ends behind the padding.
            windows.End[axis] += Math.Max(0, -windows.Rest[axis]);
        }

        return windows;
    }

    /// <summary>Elements from the start of the first window to the end of the last.</summary>
    public long Reach(int axis) => ((Output[axis + 2] - 1) * Strides[axis]) + ((Kernel[axis] - 1) * Dilations[axis]) + 1;

    /// <summary>The input with its padding of zeros.</summary>
    public Value Pad(Value x, GradientContext context) =>
        Begin.Concat(End).All(pad => pad == 0)
            ? x
            : context.Graph.Add("Pad", x, context.Integers([0, 0, .. Begin, 0, 0, .. End]));

    /// <summary>The elements of the padded input that meet a kernel offset, one for each window.</summary>
    /// <param name="padded">What <see cref="Pad"/> gave, with its spatial axes at 2 and behind.</param>
    /// <param name="offset">One of <see cref="Offsets"/>.</param>
    /// <param name="context">Where to add operators.</param>
    public Value Meet(Value padded, long[] offset, GradientContext context)
    {
        if (IsPointwise)
        {
            return padded;
        }

        long[] first = [.. offset.Select((k, axis) => k * Dilations[axis])];
        long[] end = [.. first.Select((start, axis) => start + ((Output[axis + 2] - 1) * Strides[axis]) + 1)];
        long[] axes = [.. Enumerable.Range(2, Axes).Select(axis => (long)axis)];
        return context.Graph.Add("Slice", padded, context.Integers(first), context.Integers(end), context.Integers(axes), context.Integers(Strides));
    }

    /// <summary>Returns values of windows to the input elements that these met: a transposed convolution.</summary>
    /// <param name="values">[N, M, …], of <see cref="Output"/>'s positions.</param>
    /// <param name="weight">[M, C / groups, kernel].</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="context">Where to add operators.</param>
    public Value Spread(Value values, Value weight, long groups, GradientContext context) =>
        context.Graph.AddNode("ConvTranspose", [values, weight])
            .Set("kernel_shape", Kernel)
            .Set("strides", Strides)
            .Set("dilations", Dilations)
            .Set("group", groups)
            .Set("pads", [.. Begin, .. End])
            .Set("output_padding", Rest).Output;

    /// <summary>Returns the value of each window to every input element that it met, channel by channel.</summary>
    /// <param name="values">[N, C, …], of <see cref="Output"/>'s positions.</param>
    /// <param name="context">Where to add operators.</param>
    public Value SpreadEvenly(Value values, GradientContext context)
    {
        Value ones = context.Graph.AddInitializer("ones", ShapeProbe.Ones([1, 1, .. Kernel]));
        Value perChannel = context.Reshape(values, [Input[0] * Input[1], 1, .. Output[2..]]);
        return context.Reshape(Spread(perChannel, ones, groups: 1, context), Input);
    }
}
