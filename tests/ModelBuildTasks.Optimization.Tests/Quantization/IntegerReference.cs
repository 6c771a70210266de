using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Plain loops over the codes that a quantized layer stores: y = (Σ (q(x) − z)·w + b)·s(x)·s(w).</summary>
internal sealed class IntegerReference
{
    private readonly float inputScale;
    private readonly int inputZero;
    private readonly sbyte[] weight;
    private readonly long[] weightShape;
    private readonly float[] weightScales;
    private readonly int[]? bias;

    internal IntegerReference(Node layer)
    {
        Node input = layer.Input(0)!.Producer!;
        inputScale = input.Input(1)!.Initializer!.Span<float>()[0];
        inputZero = input.Input(2)!.Initializer!.Span<byte>()[0];
        Tensor codes = layer.Input(1)!.Producer!.Input(0)!.Initializer!;
        weight = codes.Span<sbyte>().ToArray();
        weightShape = [.. codes.Dimensions];
        weightScales = layer.Input(1)!.Producer!.Input(1)!.Initializer!.ToSingles();
        bias = layer.Input(2)?.Producer!.Input(0)!.Initializer!.Span<int>().ToArray();
    }

    /// <summary>[rows, inputs]·[inputs, outputs].</summary>
    internal float[] Multiply(Tensor x)
    {
        int[] q = Centered(x);
        (int inputs, int outputs) = ((int)weightShape[0], (int)weightShape[1]);
        float[] y = new float[q.Length / inputs * outputs];
        for (int i = 0; i < y.Length; i++)
        {
            int sum = bias?[i % outputs] ?? 0;
            for (int k = 0; k < inputs; k++)
            {
                sum += q[i / outputs * inputs + k] * weight[k * outputs + i % outputs];
            }

            y[i] = sum * (inputScale * weightScales[i % outputs]);
        }

        return y;
    }

    /// <summary>A padding of 1 on each side of [1, channels, height, width]; then a Relu. Before rounding to the codes of the result.</summary>
    internal float[] Convolve(Tensor x, int stride, int dilation, int groups, long[] output)
    {
        int[] q = Centered(x);
        (int height, int width) = ((int)x.Dimensions[2], (int)x.Dimensions[3]);
        (int channels, int rows, int columns) = ((int)output[1], (int)output[2], (int)output[3]);
        int inputs = (int)weightShape[1];
        float[] y = new float[channels * rows * columns];
        for (int i = 0; i < y.Length; i++)
        {
            (int channel, int row, int column) = (i / (rows * columns), i / columns % rows, i % columns);
            int sum = bias?[channel] ?? 0;
            for (int k = 0; k < inputs * 9; k++)
            {
                int source = channel / (channels / groups) * inputs + k / 9;
                (int h, int w) = (row * stride - 1 + k / 3 % 3 * dilation, column * stride - 1 + k % 3 * dilation);
                if (h >= 0 && h < height && w >= 0 && w < width)
                {
                    sum += q[(source * height + h) * width + w] * weight[channel * inputs * 9 + k];
                }
            }

            y[i] = Math.Max(0, sum * (inputScale * weightScales[channel]));
        }

        return y;
    }

    private int[] Centered(Tensor x) =>
        Array.ConvertAll(x.ToSingles(), number => (int)Math.Clamp(MathF.Round(number / inputScale) + inputZero, 0, 255) - inputZero);
}
