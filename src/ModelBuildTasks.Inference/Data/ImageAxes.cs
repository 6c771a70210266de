namespace ModelBuildTasks.Inference.Data;

/// <summary>Where channels, rows and columns lie in a record. A record that is no image has one channel, or is a row of them.</summary>
internal readonly record struct ImageAxes(AxisOrder? Order, int Channels, int Height, int Width)
{
    internal int Pixels => Height * Width;

    internal int Step => Order == AxisOrder.Nchw ? 1 : Channels;

    /// <param name="record">The record's dimensions.</param>
    /// <param name="order">The order of its axes, when it has three.</param>
    /// <param name="columnsAreChannels">Whether each element of a vector is a channel, with a mean and std of its own.</param>
    internal static ImageAxes Of(IReadOnlyList<long> record, AxisOrder order, bool columnsAreChannels) => record.Count switch
    {
        1 when columnsAreChannels => new(null, (int)record[0], 1, 1),
        2 => new(null, 1, (int)record[0], (int)record[1]),
        3 when order == AxisOrder.Nhwc => new(order, (int)record[2], (int)record[0], (int)record[1]),
        3 => new(AxisOrder.Nchw, (int)record[0], (int)record[1], (int)record[2]),
        _ => new(null, 1, 1, (int)record.Aggregate(1L, (product, size) => product * size)),
    };

    internal int Start(int channel) => Order == AxisOrder.Nchw ? channel * Pixels : channel;

    internal long[] Dimensions(IReadOnlyList<long> record) => Order switch
    {
        AxisOrder.Nchw => [Channels, Height, Width],
        AxisOrder.Nhwc => [Height, Width, Channels],
        _ => [.. record],
    };

    /// <summary>Sets the columns from <paramref name="width"/> on to 0 in every row and channel.</summary>
    internal void ClearColumns(Span<float> image, int width)
    {
        int valid = Math.Clamp(width, 0, Width);
        bool interleaved = Order == AxisOrder.Nhwc;
        int unit = interleaved ? Channels : 1;
        int rows = interleaved ? Height : Height * Channels;
        for (int row = 0; row < rows; row++)
        {
            image.Slice((row * Width + valid) * unit, (Width - valid) * unit).Clear();
        }
    }
}
