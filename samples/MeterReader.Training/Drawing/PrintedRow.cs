namespace MeterReader.Training.Drawing;

/// <summary>Digits printed on a dial, label or plate: solid strokes, or the dots of a matrix printer.</summary>
internal sealed class PrintedRow : MeterRow
{
    private readonly Glyph[] _glyphs;
    private readonly int[] _digits;
    private readonly (float X, float Y)[] _offsets;
    private readonly ValueNoise _paper, _inkLoss;
    private readonly float _ground, _ink, _texture, _loss, _frame, _frameInk, _dotPitch, _dotRadius;

    public PrintedRow(RandomStream random, IReadOnlyList<int> digits)
    {
        var height = random.Between(0.55f, 0.84f);
        _glyphs = Glyph.Digits(Typeface.Random(random, height));
        _digits = [.. digits];
        var scatter = random.Between(0, 0.03f);
        _offsets = [.. digits.Select(_ => (random.Normal() * scatter, random.Normal() * scatter))];
        _paper = new ValueNoise(random, random.Between(6, 30));
        _inkLoss = new ValueNoise(random, random.Between(10, 25));

        var lightOnDark = random.Chance(0.2f);
        float light = random.Between(0.6f, 0.97f), dark = random.Between(0.03f, 0.35f);
        (_ground, _ink) = lightOnDark ? (dark, light) : (light, dark);
        _texture = random.Between(0.02f, 0.15f);
        _loss = random.Chance(0.4f) ? random.Between(0.2f, 0.9f) : 0;
        _frame = random.Chance(0.3f) ? random.Between(0.42f, 0.5f) : 1;
        _frameInk = random.Between(0.2f, 0.8f);
        _dotPitch = random.Chance(0.15f) ? height / random.Below(4) switch { 0 => 7f, 1 => 8f, 2 => 9f, _ => 11f } : 0;
        _dotRadius = _dotPitch * random.Between(0.38f, 0.6f);
    }

    public override float Brightness(float x, float y)
    {
        var ground = _ground * (1 - (_texture * _paper.At(x, y)));
        var cell = Math.Clamp((int)MathF.Floor(x / CellWidth), 0, _digits.Length - 1);
        var local = x - ((cell + 0.5f) * CellWidth);
        var (offsetX, offsetY) = _offsets[cell];
        var ink = Coverage(InkDistance(_glyphs[_digits[cell]], local - offsetX, y - offsetY));
        if (_loss > 0)
        {
            ink *= 1 - (_loss * Math.Clamp((_inkLoss.At(x, y) - 0.5f) * 3, 0, 1));
        }

        var edge = MathF.Max(MathF.Abs(y), MathF.Abs(local) + (0.5f - (CellWidth / 2)));
        ink = MathF.Max(ink, _frameInk * Coverage(MathF.Abs(edge - _frame) - 0.012f));
        return Blend(ground, _ink, ink);
    }

    private float InkDistance(Glyph glyph, float x, float y)
    {
        if (_dotPitch == 0)
        {
            return glyph.Distance(x, y);
        }

        float dotX = MathF.Round(x / _dotPitch) * _dotPitch, dotY = MathF.Round(y / _dotPitch) * _dotPitch;
        var printed = glyph.Distance(dotX, dotY) < _dotPitch * 0.15f;
        return printed ? MathF.Sqrt(((x - dotX) * (x - dotX)) + ((y - dotY) * (y - dotY))) - _dotRadius : 1;
    }
}
