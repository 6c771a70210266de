using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>
/// Turns one stored record into the tensor that feeds one input: axis and channel order, x' = (x · scale − mean) / std, padding, element type, shape.
/// </summary>
internal sealed class InputEncoder
{
    private readonly InputDescription description;
    private readonly bool computes;

    internal InputEncoder(TensorSignature input, InputDescription description)
    {
        Input = input;
        this.description = description;
        computes = description.Scale is not null || description.Mean is not null || description.Std is not null
            || description.Layout is not null || description.Color == ChannelOrder.Bgr || description.Widths is not null;
    }

    internal TensorSignature Input { get; }

    /// <summary>The input's axis order; null when its shape does not show it and the description does not say it.</summary>
    internal static AxisOrder? OrderOf(TensorSignature input, InputDescription description) =>
        description.InputLayout
        ?? (input.Shape.Count is not (3 or 4) ? null
            : input.Shape[^3].Size is 1 or 3 ? AxisOrder.Nchw
            : input.Shape[^1].Size is 1 or 3 ? AxisOrder.Nhwc
            : null);

    /// <summary>Makes the tensor of an input that has no data but one number.</summary>
    internal Tensor Fill(double value, string origin)
    {
        long[] dimensions = [.. Input.Shape.Select(dimension => dimension.Size ?? 1)];
        double[] elements = new double[dimensions.Aggregate(1L, (product, size) => product * size)];
        Array.Fill(elements, value);
        return Guard(origin, () => ElementCast.To(Input.ElementType, Tensor.Create(dimensions, elements)));
    }

    /// <summary>Encodes one record.</summary>
    /// <param name="record">The record without a batch axis.</param>
    /// <param name="origin">The file, for messages.</param>
    /// <param name="stored">Axis order of the record, where the format knows it.</param>
    /// <param name="validWidth">Columns that hold data; those from here on become 0.</param>
    /// <exception cref="DatasetException">The record does not fit the input.</exception>
    internal Tensor Encode(Tensor record, string origin, AxisOrder? stored = null, int? validWidth = null)
    {
        if (record.Length == 0)
        {
            throw DatasetException.DoesNotFit(origin, $"input '{Input.Name}' gets a record of shape [{string.Join(", ", record.Dimensions)}], which has no elements.");
        }

        record = WithAxes(record, origin);
        Tensor ready = computes || stored is not null ? Compute(record, origin, stored ?? description.Layout, validWidth) : record;
        long[] shape = ShapeFit.Fit(Input.Shape, [.. ready.Dimensions]) ?? throw Mismatch(ready, origin);
        return Guard(origin, () => ElementCast.To(Input.ElementType, ready)).WithDimensions(shape);
    }

    /// <summary>Checks a tensor that is stored whole, batch axis included.</summary>
    internal Tensor EncodeWhole(Tensor tensor, string origin) =>
        ShapeFit.Matches(Input.Shape, [.. tensor.Dimensions])
            ? Guard(origin, () => ElementCast.To(Input.ElementType, tensor))
            : throw Mismatch(tensor, origin);

    /// <summary>Flat records are in the order of the model as it was, which is not that of the images that it takes now.</summary>
    private Tensor WithAxes(Tensor record, string origin)
    {
        if (Input.Preprocessing?.InputLayout is null || description.Layout != AxisOrder.Nchw || Input.Shape[^1].Size == 1 || record.Dimensions.Count > 2)
        {
            return record;
        }

        long?[] sizes = [Input.Shape[^1].Size, Input.Shape[^3].Size, Input.Shape[^2].Size];
        return sizes.Aggregate((long?)1, (product, size) => product * size) == record.Length
            ? record.WithDimensions([.. sizes.Select(size => size!.Value)])
            : throw Mismatch(record, origin);
    }

    private Tensor Compute(Tensor record, string origin, AxisOrder? stored, int? validWidth)
    {
        bool perChannel = description.Mean is { Values.Length: > 1 } || description.Std is { Values.Length: > 1 };
        AxisOrder? expected = OrderOf(Input, description);
        if (expected is null && record.Dimensions.Count == 3 && (stored is not null || perChannel || validWidth is not null || description.Color == ChannelOrder.Bgr))
        {
            throw DatasetException.DoesNotFit(origin, $"the shape of input '{Input.Name}' [{string.Join(", ", Input.Shape)}] does not show whether it is NCHW or NHWC; state \"inputLayout\" in dataset.json.");
        }

        ImageAxes target = ImageAxes.Of(record.Dimensions, stored ?? expected ?? AxisOrder.Nchw, perChannel);
        ImageAxes source = target;
        if (target.Order is not null)
        {
            target = target with { Order = expected ?? source.Order };
        }

        bool arithmetic = description.Scale is not null || description.Mean is not null || description.Std is not null || description.Color == ChannelOrder.Bgr;
        if (source == target && !arithmetic && validWidth is null)
        {
            return record;
        }

        Tensor numbers = record.ElementType is ElementType.UInt8 ? record : Guard(origin, () => ElementCast.To(ElementType.Float, record));
        float[] result = GC.AllocateUninitializedArray<float>((int)record.Length);
        for (int channel = 0; channel < target.Channels; channel++)
        {
            int from = description.Color == ChannelOrder.Bgr ? target.Channels - 1 - channel : channel;
            ChannelScale scale = new(
                description.Scale?.Value ?? 1, Of(description.Mean, channel, 0, target, origin), Of(description.Std, channel, 1, target, origin));
            scale.Apply(numbers, source.Start(from), source.Step, result, target.Start(channel), target.Step, target.Pixels);
        }

        if (validWidth is { } width)
        {
            target.ClearColumns(result, width);
        }

        return Tensor.Create(target.Dimensions(record.Dimensions), result);
    }

    private double Of(Channels? values, int channel, double none, ImageAxes axes, string origin) =>
        values is null ? none
        : values.Values.Length == 1 ? values.Values[0]
        : values.Values.Length == axes.Channels ? values.Values[channel]
        : throw DatasetException.DoesNotFit(origin, $"'mean' or 'std' has {values.Values.Length} numbers, input '{Input.Name}' has {axes.Channels} channels.");

    private DatasetException Mismatch(Tensor found, string origin) =>
        DatasetException.DoesNotFit(origin, $"input '{Input.Name}' expects {Input.ElementType}[{string.Join(", ", Input.Shape)}], a record is {found.ElementType}[{string.Join(", ", found.Dimensions)}].");

    private Tensor Guard(string origin, Func<Tensor> cast)
    {
        try
        {
            return cast();
        }
        catch (Exception exception) when (exception is OverflowException or NotSupportedException)
        {
            throw new DatasetException(DatasetError.DoesNotFit, origin, $"input '{Input.Name}' expects {Input.ElementType}: {exception.Message.TrimEnd('.')}.", exception);
        }
    }
}
