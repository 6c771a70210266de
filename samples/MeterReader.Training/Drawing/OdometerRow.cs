namespace MeterReader.Training.Drawing;

/// <summary>
/// A mechanical counter: digits on the rims of drums seen through a window. A drum that is being turned shows parts of two digits;
/// its value is the digit that shows more, that is, the one whose middle is nearest to the window's.
/// </summary>
internal sealed class OdometerRow : MeterRow
{
    /// <summary>Odds that a drum stands between two digits.</summary>
    private const float RollingOdds = 0.3f;

    /// <summary>Farthest that a drum is turned away from its digit; at 0.5 two digits would show equally.</summary>
    private const float FarthestRoll = 0.44f;

    private readonly Drum[] _drums;
    private readonly Glyph[] _glyphs;
    private readonly ValueNoise _wear;
    private readonly float _pitch, _radius, _windowHalf, _drumHalf, _housing, _gap, _shading, _wearDepth, _recess;
    private readonly float _direction;

    private OdometerRow(RandomStream random, IReadOnlyList<int> digits, bool onlyLastRolls)
    {
        var height = random.Between(0.52f, 0.8f);
        _glyphs = Glyph.Digits(Typeface.Random(random, height));
        _pitch = height * random.Between(1.12f, 1.5f);
        _radius = random.Between(0.7f, 2.5f);
        _windowHalf = random.Between(0.4f, 0.6f);
        _drumHalf = CellWidth / 2 * random.Between(0.86f, 0.98f);
        _housing = random.Chance(0.6f) ? random.Between(0.02f, 0.2f) : random.Between(0.5f, 0.9f);
        _gap = random.Between(0, 0.12f);
        _shading = random.Between(0.3f, 1f);
        _recess = random.Between(0, 0.6f);
        _wear = new ValueNoise(random, 14);
        _wearDepth = random.Chance(0.4f) ? random.Between(0.1f, 0.6f) : 0;

        // On most counters the next digit comes from below.
        _direction = random.Chance(0.9f) ? 1 : -1;
        var darkOnLight = random.Chance(0.25f);
        float ground = random.Between(0.03f, 0.22f), ink = random.Between(0.65f, 0.95f);
        _drums = new Drum[digits.Count];
        for (var i = 0; i < digits.Count; i++)
        {
            var red = random.Chance(0.2f);
            var rolls = onlyLastRolls ? i == digits.Count - 1 : random.Chance(RollingOdds);
            _drums[i] = new Drum(
                digits[i],
                rolls ? random.Between(-FarthestRoll, FarthestRoll) : random.Normal() * 0.03f,
                random.Normal() * 0.012f,
                darkOnLight ? ink : red ? ground + 0.25f : ground,
                darkOnLight ? ground + (red ? 0.2f : 0) : ink);
        }
    }

    /// <summary>Each drum stands for itself.</summary>
    public static OdometerRow Draw(RandomStream random, IReadOnlyList<int> digits) => new(random, digits, onlyLastRolls: false);

    /// <summary>As in a real meter, where the last drum alone turns steadily.</summary>
    public static OdometerRow DrawCounter(RandomStream random, IReadOnlyList<int> digits) => new(random, digits, onlyLastRolls: true);

    public override float Brightness(float x, float y)
    {
        if (MathF.Abs(y) > _windowHalf)
        {
            return _housing;
        }

        var drum = _drums[Math.Clamp((int)MathF.Floor(x / CellWidth), 0, _drums.Length - 1)];
        var cell = x / CellWidth;
        if (cell < 0 || cell >= _drums.Length)
        {
            return _housing;
        }

        var local = ((cell - MathF.Floor(cell)) - 0.5f) * CellWidth;
        var shadow = 1 - (_recess * Math.Clamp(1 - ((y + _windowHalf) / 0.15f), 0, 1));
        if (MathF.Abs(local) > _drumHalf)
        {
            return _gap * shadow;
        }

        var sine = Math.Clamp(y / _radius, -1, 1);
        var strip = _radius * MathF.Asin(sine);
        var position = (strip / _pitch * _direction) + drum.Roll;
        var steps = MathF.Round(position);
        var digit = (((drum.Digit + (int)steps) % 10) + 10) % 10;
        var distance = _glyphs[digit].Distance(local - drum.Offset, (position - steps) * _pitch * _direction);
        var worn = 1 - (_wearDepth * _wear.At(x * 1.7f, strip + (3 * drum.Roll)));
        var light = Blend(1, MathF.Sqrt(1 - (sine * sine)), _shading);
        var edge = 1 - (0.35f * Math.Clamp(1 - ((_drumHalf - MathF.Abs(local)) / 0.03f), 0, 1));
        return Blend(drum.Ground, drum.Ink, Coverage(distance) * worn) * light * edge * shadow;
    }

    /// <param name="Digit">The digit that shows more.</param>
    /// <param name="Roll">How far the drum has turned towards the next digit, in digits.</param>
    private readonly record struct Drum(int Digit, float Roll, float Offset, float Ground, float Ink);
}
