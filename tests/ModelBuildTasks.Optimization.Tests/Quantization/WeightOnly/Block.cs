using System.Numerics;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

/// <summary>One block of random weights, another for each lane, and plain arithmetic on it.</summary>
internal sealed class Block
{
    private readonly Vector<float>[] weights;

    internal Block(int length, Func<int, float> weight)
    {
        weights = [.. Enumerable.Range(0, length).Select(i => new Vector<float>([.. Enumerable.Range(0, Vector<float>.Count).Select(lane => weight(lane * length + i))]))];
        Importance = [.. Enumerable.Range(0, length).Select(_ => 1f)];
    }

    internal float[] Importance { get; }

    internal static Block Random(int length, int seed)
    {
        Random random = new(seed);
        return new Block(length, _ => MathF.Pow(2 * random.NextSingle() - 1, 3));
    }

    internal BlockScale Fit(IBlockScaling scaling, BlockFormat format) => scaling.Fit(weights, Importance, format);

    internal float[] Lane(int lane) => [.. weights.Select(weight => weight[lane])];

    internal float[] Codes(BlockScale scale, BlockFormat format, int lane) => [.. weights.Select(weight => scale.Code(weight, format)[lane])];

    /// <summary>The error of each weight of a lane.</summary>
    internal double[] Errors(BlockScale scale, BlockFormat format, int lane) =>
        [.. weights.Select(weight => (double)weight[lane] - scale.Weight(scale.Code(weight, format))[lane])];

    internal double SquaredError(BlockScale scale, BlockFormat format, int lane) =>
        Errors(scale, format, lane).Zip(Importance, (error, importance) => importance * error * error).Sum();
}
