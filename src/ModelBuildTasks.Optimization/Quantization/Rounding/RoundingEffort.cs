namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>How long a block learns: by its multiplications and not by the clock, so that results do not depend on how busy the machine is.</summary>
/// <param name="Iterations">Steps at most.</param>
/// <param name="Batch">Samples of one step.</param>
/// <param name="Shards">Runs that a step consists of, side by side. They do not depend on the machine, as sums of floats would.</param>
internal sealed record RoundingEffort(int Iterations, int Batch, int Shards)
{
    /// <summary>Twice as many at half the rate brought nothing.</summary>
    internal const int MostIterations = 500;

    /// <summary>With fewer, weights do not come from one end to the other.</summary>
    internal const int FewestIterations = 150;

    private const int LargestBatch = 32, SmallestBatch = 4;

    /// <summary>Positions of maps are samples, too: with so many rows in a batch, more samples bring next to nothing.</summary>
    private const long RowsOfBatch = 2048;

    /// <summary>A run of fewer multiplications is not worth dividing.</summary>
    private const double SmallRun = 4e6;

    /// <summary>What a block may take: about a second of one core.</summary>
    private const double MostMultiplications = 1e10;

    /// <summary>Forward, by the input and by the weights.</summary>
    private const int Passes = 3;

    /// <summary>Samples of one run.</summary>
    internal int BatchOfShard => Batch / Shards;

    /// <param name="multiplications">Of one sample through the block.</param>
    /// <param name="positions">The fewest positions of a layer's result.</param>
    internal static RoundingEffort For(double multiplications, long positions)
    {
        int batch = 1 << (int)Math.Log2(Math.Clamp(RowsOfBatch / Math.Max(1, positions), SmallestBatch, LargestBatch));
        double step = Passes * batch * Math.Max(1, multiplications);
        return new RoundingEffort((int)Math.Clamp(MostMultiplications / step, FewestIterations, MostIterations), batch, batch * multiplications < SmallRun ? 1 : 2);
    }
}
