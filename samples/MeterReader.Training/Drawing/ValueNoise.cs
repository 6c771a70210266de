namespace MeterReader.Training.Drawing;

/// <summary>Smooth random values over the plane in [0, 1]: bilinear between lattice points, for wear, paper and dirt.</summary>
internal sealed class ValueNoise(RandomStream random, float frequency)
{
    private readonly ulong _key = random.NextBits();

    public float At(float x, float y)
    {
        x *= frequency;
        y *= frequency;
        float fx = MathF.Floor(x), fy = MathF.Floor(y);
        int ix = (int)fx, iy = (int)fy;
        float tx = Smooth(x - fx), ty = Smooth(y - fy);
        var top = Lattice(ix, iy) + ((Lattice(ix + 1, iy) - Lattice(ix, iy)) * tx);
        var bottom = Lattice(ix, iy + 1) + ((Lattice(ix + 1, iy + 1) - Lattice(ix, iy + 1)) * tx);
        return top + ((bottom - top) * ty);
    }

    private static float Smooth(float t) => t * t * (3 - (2 * t));

    private float Lattice(int x, int y)
    {
        var z = _key ^ ((ulong)(uint)x * 0x9E3779B97F4A7C15) ^ ((ulong)(uint)y * 0xC2B2AE3D27D4EB4F);
        z = (z ^ (z >> 29)) * 0xBF58476D1CE4E5B9;
        return (z >> 40) * (1f / (1 << 24));
    }
}
