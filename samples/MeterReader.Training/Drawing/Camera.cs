namespace MeterReader.Training.Drawing;

/// <summary>
/// A careless photograph of a <see cref="MeterRow"/>: perspective, illumination, glare, dirt, blur, exposure, noise, and the block
/// artefacts of lossy compression, in the order in which light and a phone would add them.
/// </summary>
internal sealed class Camera
{
    private const int SubsamplesPerAxis = 2;

    private readonly float _tilt, _scaleX, _scaleY, _shiftX, _shiftY, _perspectiveX, _perspectiveY, _shear;
    private readonly float _gain, _offset, _gamma, _gradientX, _gradientY, _noise, _blur, _motion, _motionAngle;
    private readonly float _glareX, _glareY, _glareWidth, _glareLength, _glareAngle, _glare;
    private readonly float _shadowAngle, _shadowPosition, _shadow;
    private readonly float _dirtDepth, _dirtThreshold;
    private readonly ValueNoise _dirt, _specks;
    private readonly float _compression;
    private readonly RandomStream _random;

    /// <param name="random">Decides all that is wrong with the photograph.</param>
    /// <param name="carelessness">0 is a good photograph, 1 the worst that a meter reader would send in.</param>
    public Camera(RandomStream random, float carelessness)
    {
        _random = random;
        float Spread(float full) => random.Between(-full, full) * carelessness;
        float Rarely(float odds, float low, float high) => random.Chance(odds * carelessness) ? random.Between(low, high) : 0;

        _tilt = Spread(0.1f);
        _shear = Spread(0.08f);
        _scaleX = 1 + Spread(0.14f);
        _scaleY = 1 + Spread(0.14f);
        _shiftX = Spread(0.07f);
        _shiftY = Spread(0.08f);
        _perspectiveX = Spread(0.25f);
        _perspectiveY = Spread(0.25f);

        _gain = random.Between(1 - (0.6f * carelessness), 1.1f);
        _offset = random.Between(0, 0.2f) * carelessness;
        _gamma = 1 + Spread(0.4f);
        _gradientX = Spread(0.5f);
        _gradientY = Spread(0.4f);
        _shadow = Rarely(0.25f, 0.2f, 0.6f);
        _shadowAngle = random.Between(0, 2 * MathF.PI);
        _shadowPosition = random.Between(-0.4f, 0.4f);

        _glare = Rarely(0.3f, 0.2f, 0.9f);
        _glareX = random.Between(-0.5f, 0.5f);
        _glareY = random.Between(-0.5f, 0.5f);
        _glareWidth = random.Between(0.05f, 0.22f);
        _glareLength = random.Between(0.2f, 1.2f);
        _glareAngle = random.Between(0, MathF.PI);

        _dirtDepth = Rarely(0.5f, 0.15f, 0.75f);
        _dirtThreshold = random.Between(0.5f, 0.75f);
        _dirt = new ValueNoise(random, random.Between(1.5f, 6));
        _specks = new ValueNoise(random, 22);

        _blur = random.Between(0.2f, 0.35f + (0.9f * carelessness));
        _motion = Rarely(0.2f, 0.5f, 2.2f);
        _motionAngle = random.Between(0, MathF.PI);
        _noise = random.Between(0.005f, 0.01f + (0.07f * carelessness));
        _compression = Rarely(0.5f, 0.02f, 0.16f);
    }

    /// <summary>Photographs the cells [first, first + count) of a row into an 8-bit image, row-major, one byte a pixel.</summary>
    public byte[] Photograph(MeterRow row, int first, int count, int width, int height)
    {
        var image = new PixelGrid(width, height);
        float rowWidth = count * MeterRow.CellWidth, middle = (first + (count / 2f)) * MeterRow.CellWidth;
        float tilt = _tilt / count, sine = MathF.Sin(tilt), cosine = MathF.Cos(tilt);
        for (var v = 0; v < height; v++)
        {
            for (var u = 0; u < width; u++)
            {
                var sum = 0f;
                for (var sub = 0; sub < SubsamplesPerAxis * SubsamplesPerAxis; sub++)
                {
                    var px = (((u + (((sub % SubsamplesPerAxis) + 0.5f) / SubsamplesPerAxis)) / width) - 0.5f) * rowWidth;
                    var py = ((v + (((sub / SubsamplesPerAxis) + 0.5f) / SubsamplesPerAxis)) / height) - 0.5f;
                    var depth = 1 + (_perspectiveX / (count * count) * px) + (_perspectiveY / count * py);
                    float qx = px / depth, qy = py / depth;
                    var x = (((qx * cosine) - (qy * sine) + (_shear / count * qy)) * (count == 1 ? _scaleX : 1)) + _shiftX;
                    var y = (((qx * sine) + (qy * cosine)) * _scaleY) + (_shiftY / count);
                    sum += Lit(row.Brightness(x + middle, y), px, py);
                }

                image[u, v] = sum / (SubsamplesPerAxis * SubsamplesPerAxis);
            }
        }

        // Blur is in pixels of a 32-pixel window, whatever the resolution.
        var scale = height / 32f;
        image.Blur(_blur * scale);
        if (_motion > 0)
        {
            image.Smear(_motion * scale, _motionAngle);
        }

        Expose(image);
        if (_compression > 0)
        {
            BlockArtefacts.Apply(image, _compression);
        }

        return image.ToBytes();
    }

    private float Lit(float brightness, float x, float y)
    {
        var light = 1 + (_gradientX * x) + (_gradientY * y);
        if (_shadow > 0)
        {
            var side = (x * MathF.Cos(_shadowAngle)) + (y * MathF.Sin(_shadowAngle)) - _shadowPosition;
            light *= 1 - (_shadow * Math.Clamp(0.5f + (side / 0.12f), 0, 1));
        }

        var value = brightness * light;
        if (_dirtDepth > 0)
        {
            var stain = Math.Clamp((_dirt.At(x, y) - _dirtThreshold) * 5, 0, 1) + (0.6f * Math.Clamp((_specks.At(x, y) - 0.9f) * 10, 0, 1));
            value += ((0.25f * light) - value) * _dirtDepth * MathF.Min(stain, 1);
        }

        if (_glare > 0)
        {
            float dx = x - _glareX, dy = y - _glareY, cosine = MathF.Cos(_glareAngle), sine = MathF.Sin(_glareAngle);
            float along = ((dx * cosine) + (dy * sine)) / _glareLength, across = ((dy * cosine) - (dx * sine)) / _glareWidth;
            value += _glare * MathF.Exp(-((along * along) + (across * across)));
        }

        return value;
    }

    private void Expose(PixelGrid image)
    {
        foreach (ref var pixel in image.Pixels)
        {
            var exposed = MathF.Pow(Math.Clamp((pixel * _gain) + _offset, 0, 1), _gamma);
            pixel = exposed + (_random.Normal() * _noise * (0.5f + exposed));
        }
    }
}
