using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;

namespace ModelBuildTasks.Optimization.LeastSquares;

/// <summary>
/// Sees a layer as a product of matrices for each group: one row of inputs, [inputs of the group · taps], for each position of the result. For a
/// convolution that is what the filter covers there (im2col), zeros for the padding; for a product it is a row of its input.
/// </summary>
internal sealed class LayerRows
{
    private readonly int channels;
    private readonly int planeSize;
    private readonly int outputPlane;
    private readonly bool isProduct;
    private readonly long[] inputSizes = [];
    private readonly long[] outputSizes = [];
    private readonly long[] kernel = [];
    private readonly long[] strides = [];
    private readonly long[] dilations = [];
    private readonly long[] begins = [];

    /// <param name="layer">In its canonical form, or a convolution.</param>
    /// <param name="input">The shape of what it reads, [batch, channels, …] for a convolution.</param>
    internal LayerRows(Layer layer, IReadOnlyList<long> input)
    {
        isProduct = layer.Node.OpType != "Conv";
        Groups = isProduct ? 1 : (int)layer.Node.GetInt("group", 1);
        Inputs = layer.Inputs;
        if (isProduct)
        {
            Positions = (int)(Product(input) / Inputs);
            return;
        }

        channels = (int)input[1];
        kernel = [.. layer.Weight.Dimensions.Skip(2)];
        inputSizes = [.. input.Skip(2)];
        planeSize = (int)Product(inputSizes);
        strides = [.. layer.Node.GetInts("strides") ?? Ones(kernel.Length)];
        dilations = [.. layer.Node.GetInts("dilations") ?? Ones(kernel.Length)];
        outputSizes = [.. Enumerable.Range(0, kernel.Length).Select(axis => OutputSize(layer.Node, axis))];
        outputPlane = (int)Product(outputSizes);
        Positions = (int)input[0] * outputPlane;
        begins = [.. Enumerable.Range(0, kernel.Length).Select(axis => Begin(layer.Node, axis))];
    }

    internal int Groups { get; }

    /// <summary>Numbers in a row: the weights of one output.</summary>
    internal int Inputs { get; }

    /// <summary>Rows that one run gives for each group.</summary>
    internal int Positions { get; }

    /// <summary>Where the numbers of a row of group 0 lie in the input; −1 for padding.</summary>
    /// <param name="position">From 0 to <see cref="Positions"/>.</param>
    /// <param name="offsets">One for each tap; a product has one, of its first input.</param>
    internal void Locate(int position, Span<int> offsets)
    {
        if (isProduct)
        {
            offsets[0] = position * Inputs;
            return;
        }

        int batch = position / outputPlane;
        for (int tap = 0; tap < offsets.Length; tap++)
        {
            long offset = 0;
            long size = 1;
            int place = position % outputPlane;
            int along = tap;
            for (int axis = kernel.Length - 1; axis >= 0; axis--)
            {
                long at = place % outputSizes[axis] * strides[axis] - begins[axis] + along % kernel[axis] * dilations[axis];
                place /= (int)outputSizes[axis];
                along /= (int)kernel[axis];
                offset = at < 0 || at >= inputSizes[axis] || offset < 0 ? -1 : offset + at * size;
                size *= inputSizes[axis];
            }

            offsets[tap] = offset < 0 ? -1 : (int)(batch * (long)channels * planeSize + offset);
        }
    }

    /// <summary>The number of offsets that <see cref="Locate"/> gives.</summary>
    internal int Taps => isProduct ? 1 : (int)Product(kernel);

    /// <summary>Reads one row.</summary>
    /// <param name="x">What the layer reads.</param>
    /// <param name="offsets">From <see cref="Locate"/>.</param>
    internal void Read(ReadOnlySpan<float> x, int group, ReadOnlySpan<int> offsets, Span<float> row)
    {
        if (isProduct)
        {
            x.Slice(offsets[0], Inputs).CopyTo(row);
            return;
        }

        int at = 0;
        int channelsOfGroup = channels / Groups;
        for (int channel = group * channelsOfGroup; channel < (group + 1) * channelsOfGroup; channel++)
        {
            foreach (int offset in offsets)
            {
                row[at++] = offset < 0 ? 0 : x[offset + channel * planeSize];
            }
        }
    }

    /// <summary>Reads what the layer gives at one position.</summary>
    /// <param name="y">The result, of <paramref name="resultChannels"/> channels.</param>
    /// <param name="chosen">The channels that are read.</param>
    internal void ReadResult(ReadOnlySpan<float> y, int position, int resultChannels, ReadOnlySpan<int> chosen, Span<float> row)
    {
        long plane = isProduct ? 1 : outputPlane;
        long first = position / plane * resultChannels * plane + position % plane;
        for (int i = 0; i < chosen.Length; i++)
        {
            row[i] = y[(int)(first + chosen[i] * plane)];
        }
    }

    /// <summary>The length of an axis of the result (ONNX Conv).</summary>
    private long OutputSize(Node node, int axis)
    {
        long covered = (kernel[axis] - 1) * dilations[axis] + 1;
        long[]? pads = node.GetInts("pads");
        return (node.GetString("auto_pad") ?? "NOTSET") switch
        {
            "SAME_UPPER" or "SAME_LOWER" => (inputSizes[axis] + strides[axis] - 1) / strides[axis],
            "VALID" => (inputSizes[axis] - covered) / strides[axis] + 1,
            _ => (inputSizes[axis] + (pads?[axis] ?? 0) + (pads?[axis + kernel.Length] ?? 0) - covered) / strides[axis] + 1,
        };
    }

    /// <summary>How many zeros stand in front of an axis (ONNX Conv: pads, auto_pad).</summary>
    private long Begin(Node node, int axis)
    {
        string automatic = node.GetString("auto_pad") ?? "NOTSET";
        if (automatic == "NOTSET")
        {
            return node.GetInts("pads")?[axis] ?? 0;
        }

        if (automatic == "VALID")
        {
            return 0;
        }

        long covered = (outputSizes[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1;
        long padding = Math.Max(0, covered - inputSizes[axis]);
        return automatic == "SAME_LOWER" ? (padding + 1) / 2 : padding / 2;
    }

    private static long Product(IEnumerable<long> sizes) => sizes.Aggregate(1L, (product, size) => product * size);

    private static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];
}
