using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// A layer's weights and bias, refitted to the float model's result and rounded. The weights first move so as to bring W·x̃ + b, x̃ being what the layer reads
/// in the quantized model, as near as can be to what the float model gives; then scales are searched and codes rounded by <see cref="LeastSquaresRounding"/>.
/// </summary>
/// <param name="Bits">7 or 8.</param>
/// <param name="Codes">[outputs, inputs].</param>
/// <param name="Scales">One for each output.</param>
/// <param name="Bias">One for each output; null where the operator has none.</param>
/// <remarks>The weights that make up for noisy inputs: E[y·x̃ᵀ]·E[x̃·x̃ᵀ]⁻¹, as in asymmetric reconstruction (Nagel et al. 2020, section 3.4).</remarks>
internal sealed record FittedLayer(int Bits, sbyte[] Codes, float[] Scales, float[]? Bias)
{
    /// <summary>With fewer rows for each weight, refitted weights would follow the samples rather than the model; they are then rounded only.</summary>
    private const int RowsOfRefittedWeight = 8;

    /// <param name="observed">What the samples showed of the layer.</param>
    /// <returns>Null where they tell too little.</returns>
    internal static FittedLayer? From(LayerObserver observed, int bits, CancellationToken cancellation)
    {
        Layer layer = observed.Layer;
        int inputs = LayerRows.InputsOf(layer);
        float[] weights = LayerObserver.OutputMajor(layer);
        float[] biases = layer.Bias?.ToSingles() ?? new float[layer.OutputChannels];
        FittedLayer result = new(bits, new sbyte[weights.Length], new float[layer.OutputChannels], layer.Node.OpType == "MatMul" ? null : biases);
        bool[] isFitted = new bool[observed.Groups.Count];
        Parallel.For(0, isFitted.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation }, group =>
        {
            LayerMoments known = observed.Groups[group];
            if (known.Factor(cancellation) is not { } factor)
            {
                return;
            }

            isFitted[group] = true;
            LeastSquaresRounding rounding = new(factor, 1 + inputs);
            float[] importance = rounding.Importance();
            for (int output = group * known.Outputs; output < (group + 1) * known.Outputs; output++)
            {
                Span<float> weight = weights.AsSpan(output * inputs, inputs);
                float[] change = Change(known, output - group * known.Outputs, rounding);
                for (int i = 0; i < inputs; i++)
                {
                    weight[i] += change[1 + i];
                }

                int largestCode = QuantizedWeight.LargestCode(bits);
                result.Scales[output] = QuantizationParameters.AtLeastSmallest(WeightRange.Find(weight, importance, largestCode));
                biases[output] = rounding.Round(biases[output] + change[0], weight, result.Scales[output], largestCode, result.Codes.AsSpan(output * inputs, inputs));
            }
        });
        return isFitted.Length > 0 && isFitted.All(fitted => fitted) && biases.All(float.IsFinite) && result.Scales.All(float.IsFinite) ? result : null;
    }

    /// <summary>The same weights in the layout of a layer that computes the same.</summary>
    /// <returns>Null where another number of bits or coarser scales are wanted.</returns>
    internal QuantizedWeight? For(Layer layer, int bits, float[]? smallestScales)
    {
        if (bits != Bits || (smallestScales is not null && Scales.Zip(smallestScales).Any(pair => pair.First < pair.Second)))
        {
            return null;
        }

        sbyte[] codes = Codes;
        if (layer.ChannelAxis != 0)
        {
            int inputs = LayerRows.InputsOf(layer);
            codes = new sbyte[Codes.Length];
            for (int i = 0; i < codes.Length; i++)
            {
                codes[i] = Codes[i % layer.OutputChannels * inputs + i / layer.OutputChannels];
            }
        }

        return new QuantizedWeight(Tensor.Create([.. layer.Weight.Dimensions], codes), Scales, layer.ChannelAxis)
        {
            Bias = Bias is null ? null : Tensor.Vector(Bias),
        };
    }

    /// <summary>What to add to the bias and the weights of an output before they are rounded.</summary>
    private static float[] Change(LayerMoments known, int output, LeastSquaresRounding rounding)
    {
        float[] change = new float[1 + known.Inputs];
        for (int i = 0; i < change.Length; i++)
        {
            change[i] = known[i, 1 + known.Inputs + output];
        }

        if (known.Rows >= RowsOfRefittedWeight * known.Inputs)
        {
            return rounding.Solve(change);
        }

        float mean = known[0, 0] > 0 ? change[0] / known[0, 0] : 0;
        Array.Clear(change);
        change[0] = mean;
        return change;
    }
}
