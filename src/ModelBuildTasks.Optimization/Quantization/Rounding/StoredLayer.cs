using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>What is stored of a layer that computes in integers.</summary>
/// <param name="Weight">In the layer's canonical form.</param>
/// <param name="Bias">[outputs], with what makes up for rounding; null where the layer has none.</param>
/// <param name="IsLimited">Whether the bias needed larger scales than the weights would have had.</param>
internal sealed record StoredLayer(QuantizedWeight Weight, Tensor? Bias, bool IsLimited)
{
    /// <param name="layer">The layer.</param>
    /// <param name="inputScale">The scale of what it reads.</param>
    /// <param name="inputMeans">The mean of each channel that it reads; null where it is not known.</param>
    /// <param name="round">How weights become integers.</param>
    internal static StoredLayer Of(Layer layer, float inputScale, double[]? inputMeans, TargetProfile target, WeightRounding round)
    {
        int bits = IntegerInsertion.WeightBits(layer, target);
        Layer canonical = layer.Canonical();
        // TensorRT takes biases in float.
        bool quantizesBias = canonical.Bias is not null && target.ExecutionProvider == TargetProfile.CpuProvider;
        float[]? floors = quantizesBias ? QuantizedBias.SmallestWeightScales(canonical.Bias!, inputScale) : null;
        QuantizedWeight unlimited = round(canonical, bits, smallestScales: null);
        bool isLimited = floors is not null && unlimited.Scales.Zip(floors).Any(pair => pair.First < pair.Second);
        QuantizedWeight weight = isLimited ? round(canonical, bits, floors) : unlimited;
        Tensor? bias = weight.Bias is not null ? weight.Bias : !layer.IsProduct && inputMeans is not null ? BiasCorrection.Apply(canonical, weight, inputMeans) : canonical.Bias;
        return new StoredLayer(weight, bias, isLimited);
    }

    /// <summary>The weights that the codes mean, of the codes' dimensions.</summary>
    internal float[] Weights()
    {
        ReadOnlySpan<sbyte> codes = Weight.Codes.Span<sbyte>();
        int inner = QuantizedWeight.Inner(Weight.Codes, Weight.Axis);
        float[] weights = new float[codes.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = codes[i] * Weight.Scales[i / inner % Weight.Scales.Length];
        }

        return weights;
    }
}
