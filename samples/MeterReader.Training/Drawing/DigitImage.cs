namespace MeterReader.Training.Drawing;

/// <summary>One digit of a meter as the network sees it: 24 × 32 grey pixels, with parts of the neighbours and of the housing at the edges.</summary>
/// <param name="Pixels">Row-major, one byte a pixel, <see cref="Width"/> × <see cref="Height"/>.</param>
/// <param name="Label">The digit, 0 to 9; of a half-rolled drum the one that shows more.</param>
internal sealed record DigitImage(byte[] Pixels, int Label, MeterStyle Style)
{
    public const int Width = 24;
    public const int Height = 32;

    private static readonly int s_styles = Enum.GetValues<MeterStyle>().Length;

    /// <summary>Image number <paramref name="index"/> of a data set. Styles and digits alternate, so every prefix is balanced.</summary>
    public static DigitImage Draw(ulong seed, StreamPurpose split, int index)
    {
        var style = (MeterStyle)(index % s_styles);
        var label = index / s_styles % 10;
        var random = new RandomStream(seed, split, (ulong)index);
        int[] digits = [random.Below(10), label, random.Below(10)];
        MeterRow row = style switch
        {
            MeterStyle.Odometer => OdometerRow.Draw(random, digits),
            MeterStyle.Segment => new SegmentRow(random, digits),
            _ => new PrintedRow(random, digits),
        };
        var camera = new Camera(random, random.Uniform());
        return new DigitImage(camera.Photograph(row, first: 1, count: 1, Width, Height), label, style);
    }

    /// <summary>Images number <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> − 1 of a data set, drawn on all cores.</summary>
    public static DigitImage[] DrawMany(ulong seed, StreamPurpose split, int count, int first = 0)
    {
        var images = new DigitImage[count];
        Parallel.For(0, count, index => images[index] = Draw(seed, split, first + index));
        return images;
    }
}
