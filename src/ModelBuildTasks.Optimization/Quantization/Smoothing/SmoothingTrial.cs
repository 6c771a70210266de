using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization.Smoothing;

/// <summary>
/// Measures what scales do to the layers that read one value: Σ‖X̂Ŵ − XW‖², with X/s rounded to one scale, s·W to a scale for each output, on a few rows and outputs.
/// </summary>
internal sealed class SmoothingTrial
{
    /// <summary>Outputs of a layer that are computed: each is a sum of as many errors as there are inputs, so that few tell of all.</summary>
    private const int MostOutputs = 64;

    private readonly ChannelRows seen;
    private readonly TargetProfile target;
    private readonly float[] rows;
    private readonly float[][] weights;
    private readonly float[][] expected;
    private readonly float[] largestWeights;

    internal SmoothingTrial(ScalableInput input, ChannelRows seen, TargetProfile target)
    {
        this.seen = seen;
        this.target = target;
        rows = [.. seen.Rows.SelectMany(row => row)];
        largestWeights = new float[input.Channels];
        weights = [.. input.Layers.Select(layer => Draw(layer.Canonical()))];
        expected = Array.ConvertAll(weights, weight => Multiply(rows, weight));
    }

    private int Channels => largestWeights.Length;

    /// <summary>s = max|X|^α / max|W|^(1−α) for each channel, brought to a geometric mean of one; 1 for channels that are always zero.</summary>
    /// <param name="alpha">How much of the difference between channels goes over to the weights, 0 to 1.</param>
    internal double[] Scales(double alpha)
    {
        double[] logarithms = new double[Channels];
        for (int c = 0; c < Channels; c++)
        {
            logarithms[c] = alpha * Math.Log(seen.Largest[c]) - (1 - alpha) * Math.Log(largestWeights[c]);
        }

        double mean = logarithms.Where(double.IsFinite).DefaultIfEmpty().Average();
        return Array.ConvertAll(logarithms, logarithm => double.IsFinite(logarithm) ? Math.Exp(logarithm - mean) : 1);
    }

    /// <summary>The error with the channels divided by <paramref name="scales"/>.</summary>
    internal double Error(double[] scales)
    {
        float[] factors = Array.ConvertAll(scales, scale => (float)scale);
        float[] inputs = new float[rows.Length];
        for (int first = 0; first < rows.Length; first += Channels)
        {
            TensorPrimitives.Divide(rows.AsSpan(first, Channels), factors, inputs.AsSpan(first, Channels));
        }

        Round(inputs);
        double error = 0;
        for (int layer = 0; layer < weights.Length; layer++)
        {
            float distance = TensorPrimitives.Distance(Multiply(inputs, Rounded(weights[layer], factors)), expected[layer]);
            error += (double)distance * distance;
        }

        return error;
    }

    private void Round(float[] inputs)
    {
        IRangeObserver observer = RangeMethod.Auto.Create(target);
        observer.Observe(inputs);
        QuantizationParameters.ForActivations(observer.Range, target).Round(inputs, inputs);
    }

    private float[] Rounded(float[] weight, float[] factors)
    {
        int outputs = weight.Length / Channels;
        float[] scaled = new float[weight.Length];
        for (int i = 0; i < Channels; i++)
        {
            TensorPrimitives.Multiply(weight.AsSpan(i * outputs, outputs), factors[i], scaled.AsSpan(i * outputs, outputs));
        }

        QuantizedWeight quantized = QuantizedWeight.From(Tensor.Create([Channels, outputs], scaled), axis: 1, target.WeightBits);
        ReadOnlySpan<sbyte> codes = quantized.Codes.Span<sbyte>();
        for (int i = 0; i < scaled.Length; i++)
        {
            scaled[i] = codes[i] * quantized.Scales[i % outputs];
        }

        return scaled;
    }

    /// <summary>Some of a layer's outputs, [channels, outputs]; notes the largest weight of each channel among all.</summary>
    private float[] Draw(Layer layer)
    {
        ReadOnlySpan<float> stored = layer.Weight.Span<float>();
        int outputs = layer.OutputChannels;
        int kept = Math.Min(outputs, MostOutputs);
        float[] drawn = new float[Channels * kept];
        for (int i = 0; i < Channels; i++)
        {
            ReadOnlySpan<float> row = stored.Slice(i * outputs, outputs);
            largestWeights[i] = Math.Max(largestWeights[i], Math.Abs(TensorPrimitives.MaxMagnitude(row)));
            for (int o = 0; o < kept; o++)
            {
                drawn[i * kept + o] = row[(int)((long)o * outputs / kept)];
            }
        }

        return drawn;
    }

    /// <summary>[rows, channels]·[channels, outputs].</summary>
    private float[] Multiply(float[] x, float[] weight)
    {
        int outputs = weight.Length / Channels;
        float[] result = new float[x.Length / Channels * outputs];
        for (int i = 0; i < x.Length; i++)
        {
            Span<float> sums = result.AsSpan(i / Channels * outputs, outputs);
            TensorPrimitives.MultiplyAdd(weight.AsSpan(i % Channels * outputs, outputs), x[i], sums, sums);
        }

        return result;
    }
}
