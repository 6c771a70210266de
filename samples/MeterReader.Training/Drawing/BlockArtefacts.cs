namespace MeterReader.Training.Drawing;

/// <summary>What lossy compression leaves: the coefficients of an 8 × 8 cosine transform, rounded more coarsely the higher their frequency.</summary>
internal static class BlockArtefacts
{
    private const int Size = 8;

    private static readonly float[] s_basis = Basis();

    /// <param name="image">The image, changed in place; a rest of less than a block at the right or bottom is left alone.</param>
    /// <param name="step">Rounding step of the lowest frequency, in units of full brightness.</param>
    public static void Apply(PixelGrid image, float step)
    {
        Span<float> block = stackalloc float[Size * Size];
        for (var top = 0; top + Size <= image.Height; top += Size)
        {
            for (var left = 0; left + Size <= image.Width; left += Size)
            {
                for (var i = 0; i < block.Length; i++)
                {
                    block[i] = image[left + (i % Size), top + (i / Size)];
                }

                Transform(block, inverse: false);
                for (var i = 0; i < block.Length; i++)
                {
                    var coarse = step * (1 + (0.5f * ((i % Size) + (i / Size))));
                    block[i] = MathF.Round(block[i] / coarse) * coarse;
                }

                Transform(block, inverse: true);
                for (var i = 0; i < block.Length; i++)
                {
                    image[left + (i % Size), top + (i / Size)] = block[i];
                }
            }
        }
    }

    /// <summary>B·X·Bᵀ, or Bᵀ·X·B for the inverse.</summary>
    private static void Transform(Span<float> block, bool inverse)
    {
        Span<float> half = stackalloc float[Size * Size];
        Multiply(block, half, inverse);
        Multiply(half, block, inverse);
    }

    /// <summary>Transforms the rows and transposes; twice makes the transform of rows and columns.</summary>
    private static void Multiply(ReadOnlySpan<float> source, Span<float> target, bool inverse)
    {
        for (var row = 0; row < Size; row++)
        {
            for (var k = 0; k < Size; k++)
            {
                var sum = 0f;
                for (var i = 0; i < Size; i++)
                {
                    sum += source[(row * Size) + i] * (inverse ? s_basis[(i * Size) + k] : s_basis[(k * Size) + i]);
                }

                target[(k * Size) + row] = sum;
            }
        }
    }

    private static float[] Basis()
    {
        var basis = new float[Size * Size];
        for (var k = 0; k < Size; k++)
        {
            for (var i = 0; i < Size; i++)
            {
                basis[(k * Size) + i] = MathF.Sqrt((k == 0 ? 1f : 2f) / Size) * MathF.Cos(MathF.PI * ((2 * i) + 1) * k / (2 * Size));
            }
        }

        return basis;
    }
}
