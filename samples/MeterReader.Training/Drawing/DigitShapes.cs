namespace MeterReader.Training.Drawing;

/// <summary>The skeletons of the ten digits in the unit square, in the forms that a typeface asks for.</summary>
internal static class DigitShapes
{
    public static void Draw(int digit, GlyphPen pen, Typeface face)
    {
        var waist = 0.5f + face.Waist;
        switch (digit)
        {
            case 0:
                pen.Arc(0.5f, 0.5f, 0.5f, 0.5f, 0, 360);
                break;
            case 1:
                DrawOne(pen, face);
                break;
            case 2:
                pen.Arc(0.5f, 0.29f, 0.48f, 0.29f, 190, 375);
                pen.CurveTo(0.93f, 0.6f, 0.3f, 0.7f, 0.02f, 1).LineTo(1, 1);
                break;
            case 3:
                DrawThree(pen, face, waist);
                break;
            case 4:
                DrawFour(pen, face);
                break;
            case 5:
                pen.MoveTo(0.92f, 0).LineTo(0.16f, 0).LineTo(0.1f, 0.47f);
                pen.CurveTo(0.3f, 0.33f, 1f, 0.3f, 0.98f, 0.68f);
                pen.CurveTo(0.98f, 1.07f, 0.2f, 1.1f, 0.02f, 0.84f);
                break;
            case 6:
                DrawTailedBowl(pen, face, waist, x => x, y => y);
                break;
            case 7:
                DrawSeven(pen, face);
                break;
            case 8:
                pen.Arc(0.5f, waist / 2, 0.43f, waist / 2, 0, 360);
                pen.Arc(0.5f, (1 + waist) / 2, 0.5f, (1 - waist) / 2, 0, 360);
                break;
            case 9:
                DrawTailedBowl(pen, face, waist, x => 1 - x, y => 1 - y);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(digit), digit, "A digit is 0 to 9.");
        }
    }

    private static void DrawOne(GlyphPen pen, Typeface face)
    {
        pen.MoveTo(0.55f, 0).LineTo(0.55f, 1);
        if (face.FlagOnOne)
        {
            pen.MoveTo(0.55f, 0).LineTo(0.18f, 0.22f);
        }

        if (face.FootOnOne)
        {
            pen.MoveTo(0.2f, 1).LineTo(0.9f, 1);
        }
    }

    private static void DrawThree(GlyphPen pen, Typeface face, float waist)
    {
        if (face.FlatThree)
        {
            pen.MoveTo(0.05f, 0).LineTo(0.92f, 0).LineTo(0.45f, 0.4f);
            pen.CurveTo(0.85f, 0.38f, 1, 0.52f, 0.98f, 0.7f);
            pen.CurveTo(0.95f, 1.08f, 0.2f, 1.1f, 0.02f, 0.86f);
            return;
        }

        pen.Arc(0.48f, waist / 2, 0.45f, waist / 2, 205, 450).LineTo(0.35f, waist);
        pen.MoveTo(0.48f, waist).Arc(0.48f, (1 + waist) / 2, 0.5f, (1 - waist) / 2, -90, 155, joined: true);
    }

    private static void DrawFour(GlyphPen pen, Typeface face)
    {
        if (face.OpenFour)
        {
            pen.MoveTo(0.22f, 0).LineTo(0.05f, 0.62f).LineTo(1, 0.62f);
            pen.MoveTo(0.75f, 0.3f).LineTo(0.75f, 1).Serif(0.75f, 1);
            return;
        }

        pen.MoveTo(0.72f, 1).LineTo(0.72f, 0).LineTo(0, 0.7f).LineTo(1, 0.7f).Serif(0.72f, 1);
    }

    private static void DrawSeven(GlyphPen pen, Typeface face)
    {
        pen.MoveTo(0.02f, 0).LineTo(0.98f, 0);
        _ = face.CurvedSeven ? pen.CurveTo(0.7f, 0.3f, 0.4f, 0.6f, 0.36f, 1) : pen.LineTo(0.34f, 1);
        pen.Serif(0.35f, 1);
        if (face.Serif > 0)
        {
            pen.MoveTo(0.02f, 0).LineTo(0.02f, 0.12f);
        }

        if (face.BarOnSeven)
        {
            pen.MoveTo(0.3f, 0.5f).LineTo(0.85f, 0.5f);
        }
    }

    /// <summary>A six; a nine is the same turned by half a circle, which the two mappings do.</summary>
    private static void DrawTailedBowl(GlyphPen pen, Typeface face, float waist, Func<float, float> x, Func<float, float> y)
    {
        var top = waist - 0.1f;
        float center = (1 + top) / 2, radius = (1 - top) / 2;
        var start = x(1) > 0.5f ? 0f : 180f;
        pen.Arc(x(0.5f), y(center), 0.5f, radius, start, start + 360);
        pen.MoveTo(x(0), y(center));
        _ = face.CurledTails
            ? pen.CurveTo(x(-0.04f), y(0.15f), x(0.3f), y(-0.1f), x(0.9f), y(0.1f))
            : pen.CurveTo(x(0.02f), y(0.4f), x(0.3f), y(0.2f), x(0.62f), y(0));
    }
}
