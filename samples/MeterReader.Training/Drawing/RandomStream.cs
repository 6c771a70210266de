namespace MeterReader.Training.Drawing;

/// <summary>
/// A stream of pseudo-random numbers named by (seed, purpose, index): every image has its own, so a data set does not depend on the
/// order or the thread that draws it. xoshiro256** (Blackman, Vigna 2018) seeded by SplitMix64; unlike <see cref="Random"/>, the
/// sequence is ours and stays the same on every runtime.
/// </summary>
internal sealed class RandomStream
{
    private ulong _a, _b, _c, _d;

    /// <param name="seed">The seed that the user chose.</param>
    /// <param name="purpose">What the numbers are for; streams of different purposes never coincide.</param>
    /// <param name="index">Number of the item inside the purpose.</param>
    public RandomStream(ulong seed, StreamPurpose purpose, ulong index)
    {
        var state = Mix(seed) ^ Mix(0x9E3779B97F4A7C15 * ((ulong)purpose + 1)) ^ Mix(index + 0xD1B54A32D192ED03);
        _a = Next(ref state);
        _b = Next(ref state);
        _c = Next(ref state);
        _d = Next(ref state);
    }

    public ulong NextBits()
    {
        var result = ulong.RotateLeft(_b * 5, 7) * 9;
        var t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = ulong.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1).</summary>
    public float Uniform() => (NextBits() >> 40) * (1f / (1 << 24));

    /// <summary>Uniform in [low, high).</summary>
    public float Between(float low, float high) => low + ((high - low) * Uniform());

    /// <summary>Uniform in {0, …, count − 1}.</summary>
    public int Below(int count) => (int)((NextBits() >> 32) * (ulong)count >> 32);

    public bool Chance(float probability) => Uniform() < probability;

    /// <summary>Normal with mean 0 and standard deviation 1 (Box–Muller; the second value is not kept).</summary>
    public float Normal() =>
        MathF.Sqrt(-2 * MathF.Log(1 - Uniform())) * MathF.Cos(2 * MathF.PI * Uniform());

    private static ulong Next(ref ulong state) => Mix(state += 0x9E3779B97F4A7C15);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>What a <see cref="RandomStream"/> is for. The data splits are separate purposes, so no image of one can occur in another.</summary>
internal enum StreamPurpose
{
    TrainingImages,
    CalibrationImages,
    EvaluationImages,
    MeterImages,
    Weights,
    SingleDigits,
}
