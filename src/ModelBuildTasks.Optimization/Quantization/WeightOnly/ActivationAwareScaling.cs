namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// x·W → (x/s)·(s·W): inputs with large activations get larger weights, which keep more of their digits in a block they share with others (AWQ; Lin et al.,
/// "AWQ: Activation-aware Weight Quantization", 2023). s = m^α with m the root mean square of each input, α searched on the quantized weights' error.
/// </summary>
/// <remarks>Scales are powers of two, so that the float model computes the very same numbers.</remarks>
internal static class ActivationAwareScaling
{
    private const int Steps = 10;

    /// <summary>Scales are at most 2 to this power, so that no weight leaves single precision.</summary>
    private const int LargestExponent = 10;

    /// <summary>Outputs of a layer that are tried: the errors of hundreds of weights make up each.</summary>
    private const int MostOutputs = 64;

    /// <summary>The scales under which the layers that read one value lose least, [inputs]; null when none is better than none.</summary>
    /// <param name="weights">Of the layers.</param>
    /// <param name="importance">The moment of each input, positive.</param>
    /// <param name="format">The form of the codes.</param>
    internal static float[]? Find(IReadOnlyList<WeightMatrix> weights, float[] importance, BlockFormat format, IBlockScaling scaling, CancellationToken cancellation)
    {
        double[] exponents = Array.ConvertAll(importance, moment => Math.Log2(moment) / 2);
        double mean = exponents.Average();
        WeightMatrix[] drawn = [.. weights.Select(Draw)];
        float[]? best = null;
        double leastError = ErrorOf(Array.ConvertAll(exponents, _ => 1f));
        for (int step = 1; step <= Steps; step++)
        {
            double alpha = (double)step / Steps;
            float[] scales = Array.ConvertAll(exponents, exponent => MathF.ScaleB(1, (int)Math.Clamp(Math.Round(alpha * (exponent - mean)), -LargestExponent, LargestExponent)));
            double error = ErrorOf(scales);
            if (error < leastError)
            {
                (best, leastError) = (scales, error);
            }
        }

        return best;

        double ErrorOf(float[] scales) => drawn.Sum(weight => Error(weight, scales, importance, format, scaling, cancellation));
    }

    /// <summary>Σ importance·(w − ŵ)², with ŵ = q(s·w)/s.</summary>
    private static double Error(WeightMatrix weight, float[] scales, float[] importance, BlockFormat format, IBlockScaling scaling, CancellationToken cancellation)
    {
        float[] counts = [.. importance.Zip(scales, (moment, scale) => moment / (scale * scale))];
        float[] quantized = BlockQuantizer.Quantize(weight with { InputScales = scales }, format, scaling, counts, cancellation).ToSingles();
        ReadOnlySpan<float> exact = weight.Stored.Span<float>();
        double error = 0;
        for (int i = 0; i < quantized.Length; i++)
        {
            int input = i / weight.Outputs;
            double difference = scales[input] * exact[i] - quantized[i];
            error += counts[input] * difference * difference;
        }

        return error;
    }

    /// <summary>Some outputs of a layer, [inputs, outputs].</summary>
    private static WeightMatrix Draw(WeightMatrix weight)
    {
        int kept = Math.Min(weight.Outputs, MostOutputs);
        ReadOnlySpan<float> stored = weight.Stored.Span<float>();
        float[] drawn = new float[weight.Inputs * kept];
        for (int i = 0; i < drawn.Length; i++)
        {
            int input = i / kept;
            int output = (int)((long)(i % kept) * weight.Outputs / kept);
            drawn[i] = weight.Factor * stored[weight.IsTransposed ? output * weight.Inputs + input : input * weight.Outputs + output];
        }

        return new WeightMatrix(Onnx.Tensor.Create([weight.Inputs, kept], drawn), IsTransposed: false);
    }
}
