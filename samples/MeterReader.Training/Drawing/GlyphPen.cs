namespace MeterReader.Training.Drawing;

/// <summary>Collects strokes given in the unit square (x right, y down) and places them in window heights by a typeface's proportions.</summary>
internal sealed class GlyphPen(Typeface face)
{
    private const int CurveSteps = 10;

    private readonly List<Segment> _segments = [];
    private float _x, _y;

    public GlyphPen MoveTo(float x, float y)
    {
        (_x, _y) = (x, y);
        return this;
    }

    public GlyphPen LineTo(float x, float y)
    {
        var (ax, ay) = Place(_x, _y);
        var (bx, by) = Place(x, y);
        float dx = bx - ax, dy = by - ay;
        var squared = MathF.Max((dx * dx) + (dy * dy), 1e-12f);

        // A broad pen: strokes across are thinner than strokes down by the typeface's contrast.
        var across = dx * dx / squared;
        var width = face.Weight * (1 + ((face.Contrast - 1) * across));
        _segments.Add(new Segment(ax, ay, dx, dy, 1 / squared, width / 2));
        return MoveTo(x, y);
    }

    /// <summary>A cubic Bézier curve from the current point.</summary>
    public GlyphPen CurveTo(float x1, float y1, float x2, float y2, float x3, float y3)
    {
        float x0 = _x, y0 = _y;
        for (var step = 1; step <= CurveSteps; step++)
        {
            float t = step / (float)CurveSteps, s = 1 - t;
            float a = s * s * s, b = 3 * s * s * t, c = 3 * s * t * t, d = t * t * t;
            LineTo((a * x0) + (b * x1) + (c * x2) + (d * x3), (a * y0) + (b * y1) + (c * y2) + (d * y3));
        }

        return this;
    }

    /// <summary>Part of a superellipse, angles in degrees clockwise from the right; connected to the current point when <paramref name="joined"/>.</summary>
    public GlyphPen Arc(float centerX, float centerY, float radiusX, float radiusY, float from, float to, bool joined = false)
    {
        var steps = Math.Max(3, (int)(MathF.Abs(to - from) / 18));
        for (var step = 0; step <= steps; step++)
        {
            var angle = (from + ((to - from) * step / steps)) * MathF.PI / 180;
            var x = centerX + (radiusX * Power(MathF.Cos(angle)));
            var y = centerY + (radiusY * Power(MathF.Sin(angle)));
            _ = step == 0 && !joined ? MoveTo(x, y) : LineTo(x, y);
        }

        return this;
    }

    /// <summary>A cross stroke at the end of a stem, when the typeface has serifs.</summary>
    public GlyphPen Serif(float x, float y)
    {
        if (face.Serif > 0)
        {
            var half = face.Serif / face.Width;
            MoveTo(x - half, y).LineTo(x + half, y);
        }

        return this;
    }

    public Segment[] ToSegments() => [.. _segments];

    private float Power(float value) => MathF.CopySign(MathF.Pow(MathF.Abs(value), 2 / face.Squareness), value);

    private (float X, float Y) Place(float x, float y)
    {
        var py = (y - 0.5f) * (face.Height - (face.Weight * face.Contrast));
        var px = ((x - 0.5f) * (face.Width - face.Weight)) - (face.Slant * py);
        return (px, py);
    }
}
