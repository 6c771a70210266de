using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// A layer's weights and bias, rounded so as to give what they gave before: scales are searched and codes rounded by <see cref="LeastSquaresRounding"/>; the
/// bias makes up for what the rounded inputs lack on average.
/// </summary>
/// <param name="Bits">2 to 8.</param>
/// <param name="Codes">[outputs, inputs].</param>
/// <param name="Scales">One for each output.</param>
/// <param name="Bias">One for each output; null where the operator has none.</param>
internal sealed record FittedLayer(int Bits, sbyte[] Codes, float[] Scales, float[]? Bias)
{
    /// <param name="observed">What the samples showed of the layer.</param>
    /// <returns>Null where they tell too little.</returns>
    internal static FittedLayer? From(LayerObserver observed, int bits, CancellationToken cancellation)
    {
        Layer layer = observed.Layer;
        int inputs = layer.Inputs;
        float[] weights = OutputMajor(layer);
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
            int outputs = layer.OutputChannels / isFitted.Length;
            int largestCode = QuantizedWeight.LargestCode(bits);
            for (int output = group * outputs; output < (group + 1) * outputs; output++)
            {
                ReadOnlySpan<float> weight = weights.AsSpan(output * inputs, inputs);
                result.Scales[output] = QuantizationParameters.AtLeastSmallest(WeightRange.Find(weight, importance, largestCode));
                biases[output] = rounding.Round(biases[output] + known.MeanLacking(weight), weight, result.Scales[output], largestCode, result.Codes.AsSpan(output * inputs, inputs));
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
            int inputs = layer.Inputs;
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

    /// <summary>The weights of a layer, [outputs, inputs].</summary>
    internal static float[] OutputMajor(Layer layer) => OutputMajor(layer.Weight.Span<float>(), layer.ChannelAxis, layer.OutputChannels);

    /// <summary>Numbers with the outputs along <paramref name="axis"/>, 0 or the last, as [outputs, inputs].</summary>
    internal static T[] OutputMajor<T>(ReadOnlySpan<T> source, int axis, int outputs)
    {
        if (axis == 0)
        {
            return source.ToArray();
        }

        int inputs = source.Length / outputs;
        T[] result = new T[source.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i % outputs * inputs + i / outputs] = source[i];
        }

        return result;
    }
}
