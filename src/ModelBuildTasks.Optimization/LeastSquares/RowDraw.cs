namespace ModelBuildTasks.Optimization.LeastSquares;

/// <summary>Draws the positions of a layer's result whose rows its least squares are made from: every sample gives the same share of what is enough.</summary>
internal sealed class RowDraw
{
    /// <summary>More rows than this for each weight of an output change its least squares little.</summary>
    private const int RowsOfInput = 8;

    /// <summary>Small layers are looked at in more places: it costs nothing.</summary>
    private const int FewestRows = 4096;

    /// <summary>Products of inputs after which no further rows are taken, as long as there are two for each weight: a second of one core.</summary>
    private const double MostProducts = 2e10;

    private readonly int rowsOfSample;

    /// <param name="inputs">Weights of an output.</param>
    /// <param name="samples">How many samples will come.</param>
    internal RowDraw(int inputs, int samples)
    {
        double width = inputs;
        double rows = Math.Max(Math.Min(Math.Max(RowsOfInput * width, FewestRows), MostProducts / (width * width)), 2 * width);
        rowsOfSample = (int)Math.Ceiling(rows / samples);
    }

    /// <summary>Positions drawn one from each of equal stretches: a fixed step would look at a few columns of a map only.</summary>
    /// <param name="positions">How many there are.</param>
    /// <param name="sample">The sample's number, which is the seed.</param>
    internal int[] Positions(int positions, int sample)
    {
        int count = Math.Min(positions, rowsOfSample);
        Random random = new(sample);
        int[] result = new int[count];
        for (int i = 0; i < count; i++)
        {
            long first = (long)i * positions / count;
            long end = (long)(i + 1) * positions / count;
            result[i] = (int)random.NextInt64(first, end);
        }

        return result;
    }
}
