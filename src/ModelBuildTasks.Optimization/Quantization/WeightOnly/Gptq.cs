using System.Numerics;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// GPTQ (Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers", 2022): each input's weights are rounded
/// so as to make up for the errors of those rounded before.
/// </summary>
/// <remarks>
/// With XᵀX = UᵀU, U upper triangular, the output error is ‖U(W − Ŵ)‖² = Σₖ Uₖₖ²·(wₖ − ŵₖ + Σⱼ﹥ₖ Uₖⱼ/Uₖₖ·(wⱼ − ŵⱼ))². From the last input to the first, every
/// term is thus made least by rounding the target wₖ + Σⱼ﹥ₖ Uₖⱼ/Uₖₖ·(wⱼ − ŵⱼ). This is GPTQ in the form of Chee et al. (QuIP, 2023, theorem 6), which needs neither
/// the inverse of the Hessian nor an update of all weights that are left. Scales of a block are fitted to its targets, with the importance Uₖₖ².
/// </remarks>
internal static class Gptq
{
    /// <summary>Lane groups that go through U together, so that it is read from memory a fraction as often.</summary>
    private const int GroupsAtOnce = 4;

    /// <param name="factor">U by rows, from <see cref="InputMoments.Factor"/>.</param>
    /// <param name="scaling">Fits the scales of blocks.</param>
    internal static BlockedWeight Quantize(WeightMatrix weight, BlockFormat format, IBlockScaling scaling, float[] factor, CancellationToken cancellation)
    {
        BlockedWeight result = new(format, weight.Inputs, weight.Outputs);
        float[] importance = new float[weight.Inputs];
        for (int k = 0; k < importance.Length; k++)
        {
            importance[k] = factor[k * weight.Inputs + k] * factor[k * weight.Inputs + k];
        }

        int tiles = (weight.LaneGroups + GroupsAtOnce - 1) / GroupsAtOnce;
        // w − ŵ of the inputs done so far, the lane groups of one input side by side: one array for each thread.
        Parallel.For(
            0, tiles, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
            () => new Vector<float>[weight.Inputs * GroupsAtOnce],
            (tile, _, errors) =>
            {
                QuantizeTile(weight, scaling, factor, importance, tile * GroupsAtOnce, errors, result, cancellation);
                return errors;
            },
            _ => { });
        return result;
    }

    private static void QuantizeTile(
        WeightMatrix weight, IBlockScaling scaling, float[] factor, float[] importance, int firstGroup, Vector<float>[] errors, BlockedWeight result, CancellationToken cancellation)
    {
        BlockFormat format = result.Format;
        int groups = Math.Min(GroupsAtOnce, weight.LaneGroups - firstGroup);
        Vector<float>[] targets = new Vector<float>[format.BlockSize * GroupsAtOnce];
        Span<Vector<float>> weights = stackalloc Vector<float>[format.BlockSize];
        Span<Vector<float>> column = stackalloc Vector<float>[format.BlockSize];
        for (int block = result.Blocks - 1; block >= 0; block--)
        {
            cancellation.ThrowIfCancellationRequested();
            int first = block * format.BlockSize;
            int end = Math.Min(first + format.BlockSize, weight.Inputs);
            for (int k = first; k < end; k++)
            {
                Feedback(factor.AsSpan(k * weight.Inputs, weight.Inputs), k, end, errors, targets.AsSpan((k - first) * GroupsAtOnce, GroupsAtOnce));
            }

            for (int group = 0; group < groups; group++)
            {
                Span<Vector<float>> blockWeights = weights[..(end - first)];
                Span<Vector<float>> blockTargets = column[..(end - first)];
                weight.Read(first, firstGroup + group, blockWeights);
                for (int i = 0; i < blockTargets.Length; i++)
                {
                    blockTargets[i] = blockWeights[i] + targets[i * GroupsAtOnce + group];
                }

                BlockScale scale = scaling.Fit(blockTargets, importance.AsSpan(first, blockTargets.Length), format);
                for (int k = end - 1; k >= first; k--)
                {
                    Vector<float> target = blockTargets[k - first];
                    ReadOnlySpan<float> row = factor.AsSpan(k * weight.Inputs, weight.Inputs);
                    Vector<float> sum = Vector<float>.Zero;
                    for (int j = k + 1; j < end; j++)
                    {
                        sum = Vector.FusedMultiplyAdd(new Vector<float>(row[j]), errors[j * GroupsAtOnce + group], sum);
                    }

                    Vector<float> code = scale.Code(target + sum / new Vector<float>(row[k]), format);
                    if (!format.IsBinary)
                    {
                        // What pruning has removed stays removed. Signs have no zero.
                        code = Vector.ConditionalSelect(Vector.Equals(blockWeights[k - first], Vector<float>.Zero), scale.ZeroPoint, code);
                    }

                    errors[k * GroupsAtOnce + group] = blockWeights[k - first] - scale.Weight(code);
                    blockTargets[k - first] = code;
                }

                result.Store(firstGroup + group, block, scale, blockTargets);
            }
        }
    }

    /// <summary>Σⱼ≥end Uₖⱼ/Uₖₖ·(wⱼ − ŵⱼ) for all lane groups of a tile.</summary>
    private static void Feedback(ReadOnlySpan<float> row, int k, int end, Vector<float>[] errors, Span<Vector<float>> sums)
    {
        Vector<float> a = Vector<float>.Zero, b = Vector<float>.Zero, c = Vector<float>.Zero, d = Vector<float>.Zero;
        ReadOnlySpan<Vector<float>> done = errors.AsSpan(end * GroupsAtOnce);
        ReadOnlySpan<float> factors = row[end..];
        for (int j = 0; j < factors.Length; j++)
        {
            Vector<float> factor = new(factors[j]);
            ReadOnlySpan<Vector<float>> error = done.Slice(j * GroupsAtOnce, GroupsAtOnce);
            a = Vector.FusedMultiplyAdd(factor, error[0], a);
            b = Vector.FusedMultiplyAdd(factor, error[1], b);
            c = Vector.FusedMultiplyAdd(factor, error[2], c);
            d = Vector.FusedMultiplyAdd(factor, error[3], d);
        }

        Vector<float> inverse = Vector<float>.One / new Vector<float>(row[k]);
        sums[0] = a * inverse;
        sums[1] = b * inverse;
        sums[2] = c * inverse;
        sums[3] = d * inverse;
    }
}
