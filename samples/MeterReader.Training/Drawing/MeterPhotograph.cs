namespace MeterReader.Training.Drawing;

/// <summary>A whole counter of several digits, cropped to its window: cells of 48 × 64 pixels side by side.</summary>
internal sealed record MeterPhotograph(byte[] Pixels, int Width, int Height, string Reading, MeterStyle Style)
{
    private const int CellWidth = 48;
    private const int CellHeight = 64;
    private const float Carelessness = 0.55f;

    public static MeterPhotograph Draw(ulong seed, int index)
    {
        var style = (MeterStyle)(index % Enum.GetValues<MeterStyle>().Length);
        var random = new RandomStream(seed, StreamPurpose.MeterImages, (ulong)index);
        var digits = new int[5 + random.Below(2)];
        foreach (ref var digit in digits.AsSpan())
        {
            digit = random.Below(10);
        }

        MeterRow row = style switch
        {
            MeterStyle.Odometer => OdometerRow.DrawCounter(random, digits),
            MeterStyle.Segment => new SegmentRow(random, digits),
            _ => new PrintedRow(random, digits),
        };
        var width = digits.Length * CellWidth;
        var pixels = new Camera(random, Carelessness).Photograph(row, 0, digits.Length, width, CellHeight);
        return new MeterPhotograph(pixels, width, CellHeight, string.Concat(digits), style);
    }
}
