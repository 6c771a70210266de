using System.Numerics;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>Quantizes each block of a weight for itself, to the nearest codes under the scale that an algorithm fits.</summary>
internal static class BlockQuantizer
{
    /// <param name="importance">How much an error of each input counts, [inputs]; empty when all count the same.</param>
    internal static BlockedWeight Quantize(WeightMatrix weight, BlockFormat format, IBlockScaling scaling, float[] importance, CancellationToken cancellation)
    {
        BlockedWeight result = new(format, weight.Inputs, weight.Outputs);
        float[] counts = importance.Length > 0 ? importance : Uniform(weight.Inputs);
        // Blocks and outputs do not depend on each other, so that the number of threads cannot show in the result.
        Parallel.For(0, weight.LaneGroups, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, laneGroup =>
        {
            Span<Vector<float>> block = stackalloc Vector<float>[format.BlockSize];
            for (int b = 0; b < result.Blocks; b++)
            {
                int first = b * format.BlockSize;
                Span<Vector<float>> weights = block[..Math.Min(format.BlockSize, weight.Inputs - first)];
                weight.Read(first, laneGroup, weights);
                BlockScale scale = scaling.Fit(weights, counts.AsSpan(first, weights.Length), format);
                for (int i = 0; i < weights.Length; i++)
                {
                    weights[i] = scale.Code(weights[i], format);
                }

                result.Store(laneGroup, b, scale, weights);
            }
        });
        return result;
    }

    internal static float[] Uniform(int inputs)
    {
        float[] counts = new float[inputs];
        Array.Fill(counts, 1f);
        return counts;
    }
}
