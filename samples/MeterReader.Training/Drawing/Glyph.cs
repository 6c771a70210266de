namespace MeterReader.Training.Drawing;

/// <summary>
/// A digit as strokes around the origin (y down, in window heights), rendered by its signed distance, so that weight, warp and
/// resolution are free.
/// </summary>
internal sealed class Glyph
{
    private readonly Segment[] _segments;
    private readonly float _halfWidth, _halfHeight;

    private Glyph(Segment[] segments, Typeface face)
    {
        _segments = segments;
        _halfWidth = (face.Width / 2) + face.Weight + (MathF.Abs(face.Slant) * face.Height / 2) + face.Serif;
        _halfHeight = (face.Height / 2) + face.Weight;
    }

    /// <summary>All ten digits of a typeface, by value.</summary>
    public static Glyph[] Digits(Typeface face) => [.. Enumerable.Range(0, 10).Select(digit => Digit(digit, face))];

    public static Glyph Digit(int digit, Typeface face)
    {
        var pen = new GlyphPen(face);
        DigitShapes.Draw(digit, pen, face);
        return new Glyph(pen.ToSegments(), face);
    }

    /// <summary>Distance to the edge of the strokes: negative inside. Far away it is only a lower bound, which is all that coverage needs.</summary>
    public float Distance(float x, float y)
    {
        var outside = MathF.Max(MathF.Abs(x) - _halfWidth, MathF.Abs(y) - _halfHeight);
        if (outside > 0.1f)
        {
            return outside;
        }

        var nearest = float.MaxValue;
        foreach (ref readonly var segment in _segments.AsSpan())
        {
            nearest = MathF.Min(nearest, segment.Distance(x, y));
        }

        return nearest;
    }
}

/// <summary>A straight piece of a stroke with round ends.</summary>
internal readonly record struct Segment(float X, float Y, float DeltaX, float DeltaY, float InverseSquaredLength, float HalfWidth)
{
    public float Distance(float x, float y)
    {
        float px = x - X, py = y - Y;
        var along = Math.Clamp(((px * DeltaX) + (py * DeltaY)) * InverseSquaredLength, 0f, 1f);
        float ex = px - (along * DeltaX), ey = py - (along * DeltaY);
        return MathF.Sqrt((ex * ex) + (ey * ey)) - HalfWidth;
    }
}
