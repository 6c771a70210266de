using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// The weights of one layer between two codes each: ŵ = s·(⌊w/s⌋ + h(v)), with the rectified sigmoid h(v) = min(max(1.2·σ(v) − 0.1, 0), 1) (Louizos et al. 2018) that reaches 0 and 1. Learning moves v, and a regularizer
/// Σ 1 − |2h − 1|ᵝ pushes h to one of its ends, the more the smaller β is. In the end the larger half is rounded up.
/// </summary>
/// <remarks>Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020, § 3.2.</remarks>
internal sealed class SoftRounding
{
    /// <summary>How far the sigmoid is stretched beyond 0 and 1.</summary>
    private const float Stretch = 1.2f, Shift = -0.1f;

    /// <summary>Learning starts inside these ends, where there is a gradient.</summary>
    private const float Lowest = 0.01f, Highest = 0.99f;

    /// <summary>
    /// Where h starts on the way from the weight's own place between the codes (0) to the code that it has (1). What was fitted before is near to the best as a whole, and so is all that lies between it and the exact weights;
    /// from the weights alone, 4-bit models of digits and clothes ended up to 2 dB below what least squares give.
    /// </summary>
    private const float Trust = 0.4f;

    private readonly float[] floors;
    private readonly float[] steps;
    private readonly bool[] isFixed;
    private readonly float[] shares;

    /// <param name="weights">w, of the layer's canonical form.</param>
    /// <param name="start">Their scales, and the codes to begin with, which stay within reach: where fitting took one further than to its neighbours, the two are the nearest to the weight that include it.</param>
    /// <param name="largestCode">The largest code; the smallest is its negative.</param>
    internal SoftRounding(ReadOnlySpan<float> weights, QuantizedWeight start, int largestCode)
    {
        ReadOnlySpan<sbyte> codes = start.Codes.Span<sbyte>();
        int inner = QuantizedWeight.Inner(start.Codes, start.Axis);
        floors = new float[weights.Length];
        steps = new float[weights.Length];
        isFixed = new bool[weights.Length];
        shares = new float[weights.Length];
        Values = new float[weights.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            float step = steps[i] = start.Scales[i / inner % start.Scales.Length];
            float floor = Math.Clamp(MathF.Floor(weights[i] / step), codes[i] - 1, codes[i]);
            floors[i] = Math.Clamp(floor, -largestCode, largestCode - 1);
            // A weight that pruning has removed stays removed.
            isFixed[i] = weights[i] == 0;
            float bit = codes[i] > floors[i] ? 1 : 0;
            float share = Math.Clamp((Trust * bit) + ((1 - Trust) * Math.Clamp((weights[i] / step) - floors[i], 0, 1)), Lowest, Highest);
            Values[i] = isFixed[i] ? bit > 0 ? float.PositiveInfinity : float.NegativeInfinity : -MathF.Log((Stretch / (share - Shift)) - 1);
        }
    }

    /// <summary>v, which learning moves.</summary>
    internal float[] Values { get; }

    /// <summary>Weights that can be rounded either way.</summary>
    internal int Count => isFixed.Count(stays => !stays);

    /// <summary>ŵ for the v of now; <see cref="Gradient"/> is for these.</summary>
    internal void Soften(Span<float> weights)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            shares[i] = Share(Values[i]);
            weights[i] = steps[i] * (floors[i] + shares[i]);
        }
    }

    /// <summary>The weights with each h at its nearer end.</summary>
    internal void Harden(Span<float> weights)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = steps[i] * CodeOf(i);
        }
    }

    /// <summary>The codes with each h at its nearer end.</summary>
    internal sbyte[] Codes() => [.. Enumerable.Range(0, floors.Length).Select(i => (sbyte)CodeOf(i))];

    /// <summary>∂/∂v of factor·loss + strength·Σ (1 − |2h − 1|ᵝ).</summary>
    /// <param name="weightGradient">∂loss/∂ŵ.</param>
    /// <param name="strength">0 leaves the regularizer out.</param>
    /// <param name="exponent">β, above 1.</param>
    internal void Gradient(ReadOnlySpan<float> weightGradient, float factor, float strength, float exponent, Span<float> gradient)
    {
        for (int i = 0; i < gradient.Length; i++)
        {
            float share = shares[i];
            if (isFixed[i] || share is <= 0 or >= 1)
            {
                gradient[i] = 0;
                continue;
            }

            float sigmoid = (share - Shift) / Stretch;
            float byShare = factor * steps[i] * weightGradient[i];
            if (strength > 0)
            {
                float side = (2 * share) - 1;
                byShare -= strength * 2 * exponent * MathF.CopySign(MathF.Pow(MathF.Abs(side), exponent - 1), side);
            }

            gradient[i] = byShare * Stretch * sigmoid * (1 - sigmoid);
        }
    }

    /// <summary>Rounds each weight up or down by chance, so that on average it stays what it is now.</summary>
    internal void Scatter(Span<float> weights, Random random)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = steps[i] * (floors[i] + (random.NextSingle() < Share(Values[i]) ? 1 : 0));
        }
    }

    /// <summary>The share of weights whose h is farther than <paramref name="within"/> from both ends.</summary>
    internal double Undecided(float within) => shares.Count(share => share > within && share < 1 - within) / (double)shares.Length;

    private float CodeOf(int i) => floors[i] + (Share(Values[i]) >= 0.5f ? 1 : 0);

    private static float Share(float v) => Math.Clamp((Stretch / (1 + MathF.Exp(-v))) + Shift, 0, 1);
}
