using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// b' = b − (W̃ − W)·E[x]: takes out of a convolution's bias what rounding its weights adds on average. Where a filter almost cancels a
/// nearly constant input against the bias, as folded normalizations make depthwise filters do, that average is most of the error.
/// </summary>
/// <remarks>Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, with E[x] from calibration. The zeros around a padded input are not counted.</remarks>
internal static class BiasCorrection
{
    /// <summary>The corrected bias of a convolution, [outputs].</summary>
    /// <param name="inputMeans">The mean of each input channel.</param>
    internal static Tensor Apply(Layer layer, QuantizedWeight quantized, ReadOnlySpan<double> inputMeans)
    {
        ReadOnlySpan<float> exact = layer.Weight.Span<float>();
        ReadOnlySpan<sbyte> codes = quantized.Codes.Span<sbyte>();
        float[] bias = layer.Bias?.ToSingles() ?? new float[layer.OutputChannels];
        int inputs = (int)layer.Weight.Dimensions[1];
        int filter = exact.Length / bias.Length;
        int taps = filter / inputs;
        int outputsPerGroup = bias.Length / (int)layer.Node.GetInt("group", 1);
        for (int output = 0; output < bias.Length; output++)
        {
            int firstInput = output / outputsPerGroup * inputs;
            double shift = 0;
            for (int i = 0; i < filter; i++)
            {
                int at = output * filter + i;
                shift += (codes[at] * (double)quantized.Scales[output] - exact[at]) * inputMeans[firstInput + i / taps];
            }

            bias[output] = (float)(bias[output] - shift);
        }

        return Tensor.Vector(bias);
    }
}
