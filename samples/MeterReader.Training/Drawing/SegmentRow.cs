namespace MeterReader.Training.Drawing;

/// <summary>A seven-segment display: LCD (dark segments, faint unlit ones, a shadow below) or LED (lit segments with a glow).</summary>
internal sealed class SegmentRow : MeterRow
{
    // Bit 0 is the top segment, then clockwise (upper right, lower right, bottom, lower left, upper left), bit 6 the middle.
    private static readonly byte[] s_lit = [0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F];

    private readonly byte[] _lit;
    private readonly float[] _strength;
    private readonly ValueNoise _grain;
    private readonly float _halfHeight, _halfWidth, _halfThickness, _gap, _bevel, _slant;
    private readonly float _ground, _ink, _ghost, _glow, _shadow, _shadowX, _shadowY;
    private readonly bool _point;

    public SegmentRow(RandomStream random, IReadOnlyList<int> digits)
    {
        _halfHeight = random.Between(0.3f, 0.42f);
        _halfWidth = _halfHeight * random.Between(0.45f, 0.7f);
        _halfThickness = _halfHeight * random.Between(0.07f, 0.17f);
        _gap = _halfThickness * random.Between(0.15f, 0.6f);
        _bevel = random.Between(0, 1f);
        _slant = random.Chance(0.5f) ? 0 : random.Between(0, 0.2f);
        _grain = new ValueNoise(random, 9);
        _point = random.Chance(0.3f);

        var crystal = random.Chance(0.6f);
        _ground = crystal ? random.Between(0.45f, 0.85f) : random.Between(0.02f, 0.2f);
        _ink = crystal ? _ground * random.Between(0.08f, 0.5f) : random.Between(0.6f, 1f);
        _ghost = random.Chance(0.5f) ? random.Between(0.03f, 0.2f) : 0;
        _glow = crystal ? 0 : random.Between(0.05f, 0.3f);
        _shadow = crystal && random.Chance(0.5f) ? random.Between(0.1f, 0.3f) : 0;
        _shadowX = random.Between(-0.03f, 0.03f);
        _shadowY = random.Between(0.015f, 0.05f);

        bool tailOnSix = random.Chance(0.85f), tailOnNine = random.Chance(0.85f), hookOnSeven = random.Chance(0.2f);
        var lit = (byte[])s_lit.Clone();
        lit[6] = (byte)(tailOnSix ? lit[6] : lit[6] & ~0x01);
        lit[9] = (byte)(tailOnNine ? lit[9] : lit[9] & ~0x08);
        lit[7] = (byte)(hookOnSeven ? lit[7] | 0x20 : lit[7]);
        _lit = [.. digits.Select(digit => lit[digit])];

        // A photograph catches a multiplexed or ageing display with its segments unequally strong.
        var unevenness = random.Chance(0.3f) ? random.Between(0.1f, 0.45f) : 0.05f;
        _strength = new float[digits.Count * 7];
        for (var i = 0; i < _strength.Length; i++)
        {
            _strength[i] = 1 - (unevenness * random.Uniform());
        }
    }

    public override float Brightness(float x, float y)
    {
        var ground = _ground * (0.94f + (0.12f * _grain.At(x, y)));
        if (_shadow > 0)
        {
            ground *= 1 - (_shadow * Lit(x - _shadowX, y - _shadowY).Ink);
        }

        var (ink, nearest) = Lit(x, y);
        var glow = _glow > 0 ? _glow * MathF.Exp(-MathF.Max(nearest, 0) / 0.06f) : 0;
        return Math.Clamp(Blend(ground, _ink, MathF.Max(ink, glow)), 0, 1);
    }

    /// <summary>How much of the ink is seen at a point, and the distance to the nearest lit segment.</summary>
    private (float Ink, float Nearest) Lit(float x, float y)
    {
        var cell = Math.Clamp((int)MathF.Floor(x / CellWidth), 0, _lit.Length - 1);
        var px = x - ((cell + 0.5f) * CellWidth) + (_slant * y);
        float ink = 0, nearest = 1;
        for (var segment = 0; segment < 7; segment++)
        {
            var distance = Distance(segment, px, y);
            if ((_lit[cell] >> segment & 1) != 0)
            {
                nearest = MathF.Min(nearest, distance);
                ink = MathF.Max(ink, Coverage(distance) * _strength[(cell * 7) + segment]);
            }
            else if (_ghost > 0)
            {
                ink = MathF.Max(ink, Coverage(distance) * _ghost);
            }
        }

        if (_point)
        {
            float dx = px - (CellWidth * 0.44f), dy = y - _halfHeight;
            var distance = MathF.Sqrt((dx * dx) + (dy * dy)) - (_halfThickness * 1.1f);
            ink = MathF.Max(ink, Coverage(distance) * (cell == 0 ? 1 : _ghost));
        }

        return (ink, nearest);
    }

    /// <summary>Distance to a bar with ends cut square (bevel 0) up to pointed (bevel 1).</summary>
    private float Distance(int segment, float x, float y)
    {
        float along, across, half;
        if (segment is 0 or 3 or 6)
        {
            (along, across, half) = (x, y - (segment switch { 0 => -_halfHeight, 3 => _halfHeight, _ => 0 }), _halfWidth);
        }
        else
        {
            var sideX = segment is 1 or 2 ? _halfWidth : -_halfWidth;
            var middleY = segment is 1 or 5 ? -_halfHeight / 2 : _halfHeight / 2;
            (along, across, half) = (y - middleY, x - sideX, _halfHeight / 2);
        }

        float a = MathF.Abs(along), c = MathF.Abs(across);
        var square = MathF.Max(a - (half - _halfThickness - _gap), c - _halfThickness);
        var pointed = MathF.Max(c - _halfThickness, (a + c - (half - _gap)) * 0.70710678f);
        return Blend(square, pointed, _bevel);
    }
}
