namespace MeterReader.Training.Drawing;

/// <summary>
/// The look that the digits of one row share: proportions, weight and the forms that differ between typefaces. Lengths are in window
/// heights. Drawn at random; no font file is involved.
/// </summary>
internal sealed record Typeface
{
    /// <summary>Height of a digit, stroke included.</summary>
    public required float Height { get; init; }

    /// <summary>Width of a digit, stroke included.</summary>
    public required float Width { get; init; }

    /// <summary>Thickness of a vertical stroke.</summary>
    public required float Weight { get; init; }

    /// <summary>Thickness of a horizontal stroke divided by that of a vertical one.</summary>
    public required float Contrast { get; init; }

    /// <summary>Horizontal shift per height: tangent of the italic angle.</summary>
    public required float Slant { get; init; }

    /// <summary>Exponent of the superellipse that bowls are drawn with: 2 is an ellipse, 5 nearly a rectangle.</summary>
    public required float Squareness { get; init; }

    /// <summary>Length of the cross strokes at the ends of stems; 0 for a sans serif.</summary>
    public required float Serif { get; init; }

    /// <summary>Height of the waist of 3, 6, 8 and 9 against the middle.</summary>
    public required float Waist { get; init; }

    public required bool FlagOnOne { get; init; }

    public required bool FootOnOne { get; init; }

    public required bool FlatThree { get; init; }

    public required bool OpenFour { get; init; }

    public required bool CurledTails { get; init; }

    public required bool CurvedSeven { get; init; }

    public required bool BarOnSeven { get; init; }

    /// <summary>A random typeface whose digits are <paramref name="height"/> window heights tall.</summary>
    public static Typeface Random(RandomStream random, float height)
    {
        var serif = random.Chance(0.25f);
        return new Typeface
        {
            Height = height,
            Width = height * random.Between(0.42f, 0.68f),
            Weight = height * random.Between(0.075f, 0.19f),
            Contrast = random.Chance(0.5f) ? 1 : random.Between(0.5f, 1f),
            Slant = random.Chance(0.65f) ? 0 : random.Between(-0.05f, 0.25f),
            Squareness = random.Chance(0.5f) ? random.Between(1.9f, 2.5f) : random.Between(2.5f, 5f),
            Serif = serif ? height * random.Between(0.08f, 0.16f) : 0,
            Waist = random.Between(-0.05f, 0.03f),
            FlagOnOne = random.Chance(0.85f),
            FootOnOne = serif || random.Chance(0.25f),
            FlatThree = random.Chance(0.15f),
            OpenFour = random.Chance(0.2f),
            CurledTails = random.Chance(0.6f),
            CurvedSeven = random.Chance(0.3f),
            BarOnSeven = random.Chance(0.1f),
        };
    }
}
