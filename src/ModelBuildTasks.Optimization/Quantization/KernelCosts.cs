using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// How long ONNX Runtime's float and integer kernels take for one layer, in nanoseconds on one core. The constants were fitted to its
/// profiler (1.31.1, AVX-512 with VNNI) over MobileNet, SqueezeNet, ResNet-20 and UltraFace, and hold to about 30 %: enough to see where integers
/// lose by a factor. That is where few channels meet many pixels: gathering 3 channels costs the integer kernel
/// more than multiplying them, and depthwise kernels gain nothing from integers but pay for every pixel.
/// </summary>
internal static class KernelCosts
{
    private const double NodeOverhead = 1500;

    /// <summary>Channels are blocked by the vector width in float (NCHWc).</summary>
    private const int Block = 16;

    private const double FloatMultiplications = 110;
    private const double FloatMultiplicationsOfFewChannels = 40;
    private const double FloatDepthwiseMultiplications = 45;
    private const double FloatVectorMultiplications = 12;
    private const double FloatCachedVectorMultiplications = 40;
    private const double IntegerMultiplications = 500;
    private const double IntegerVectorMultiplications = 40;

    /// <summary>Fewer rows than this make a matrix product wait for its weights, not for the multipliers.</summary>
    private const long FewRows = 4;

    /// <summary>Weights of a product up to this number stay in the cache from run to run.</summary>
    private const long CachedWeights = 64 * 1024;

    /// <summary>Packing rows of a product into the integer kernel's order.</summary>
    private const double IntegerProductOverhead = 1000;

    /// <summary>
    /// A weight that stays in float also costs 3 more bytes to store, load and keep in the cache; the time to read them at
    /// 30 GB/s stands for that.
    /// </summary>
    private const double FloatWeight = 0.1;

    /// <summary>Quantizing or dequantizing between kernels: the conversion and one or two changes of memory layout.</summary>
    internal static double Boundary(long elements, int rank) =>
        rank >= 4 ? 2 * NodeOverhead + 0.35 * elements : NodeOverhead + 0.15 * elements;

    /// <summary>
    /// What a MaxPool takes longer on planes of integers than on blocked floats: its integer kernel is fast only where convolutions of integers
    /// have put the channels last. Measured on FastestDet (3×3) and MNIST (2×2).
    /// </summary>
    internal static double PlanarPooling(long elements, long taps) => 0.8 * elements * taps;

    /// <summary>
    /// Taking some of the channels: of integers with the channels last one by one, of floats as whole planes, which blocked convolutions unpack and
    /// pack again. Measured on FastestDet, whose blocks shuffle channels.
    /// </summary>
    internal static double ChannelSlice(double elements, bool isInteger) => NodeOverhead + (isInteger ? 1.0 : 0.5) * elements;

    /// <summary>Bringing integers from channels last to channels first or back. Measured on ResNet-20.</summary>
    internal static double LayoutChange(double elements) => NodeOverhead + 0.1 * elements;

    internal static double Float(Layer layer, IReadOnlyList<long> output) => Float(layer, output, QuantizableOperators.IsDepthwise(layer.Node, layer.Weight));

    /// <param name="isDepthwise">Whether each filter has a channel of its own, whatever number of groups the node states.</param>
    internal static double Float(Layer layer, IReadOnlyList<long> output, bool isDepthwise)
    {
        double storage = FloatWeight * layer.Weight.Length;
        if (layer.IsProduct)
        {
            double rate = Rows(layer, output) >= FewRows ? FloatMultiplications
                : layer.Weight.Length > CachedWeights ? FloatVectorMultiplications : FloatCachedVectorMultiplications;
            return NodeOverhead + storage + Multiplications(layer, output) / rate;
        }

        double blocked = (double)Pixels(output) * RoundUp(layer.OutputChannels) * InputChannels(layer) * Taps(layer);
        bool fewChannels = InputChannels(layer) is >= 4 and < Block;
        return NodeOverhead + storage + blocked / (isDepthwise ? FloatDepthwiseMultiplications : fewChannels ? FloatMultiplicationsOfFewChannels : FloatMultiplications);
    }

    internal static double Integer(Layer layer, IReadOnlyList<long> output)
    {
        if (layer.IsProduct)
        {
            bool vector = Rows(layer, output) < FewRows;
            return NodeOverhead + IntegerProductOverhead + Multiplications(layer, output) / (vector ? IntegerVectorMultiplications : IntegerMultiplications) + 0.1 * Rows(layer, output) * layer.OutputChannels;
        }

        long pixels = Pixels(output);
        int channels = layer.OutputChannels;
        if (QuantizableOperators.IsDepthwise(layer.Node, layer.Weight))
        {
            return NodeOverhead + pixels * (channels < Block ? 14 : 5 + 0.25 * channels) * Math.Max(1, Taps(layer) / 9.0);
        }

        double gathering = Taps(layer) == 1 ? 0 : pixels * Taps(layer) * (InputChannels(layer) < 8 ? 2 : 0.8) * layer.Node.GetInt("group", 1);
        return NodeOverhead + gathering + pixels * (1 + 0.05 * channels) + Multiplications(layer, output) / IntegerMultiplications;
    }

    /// <summary>Multiply–accumulates of a layer whose result has the shape <paramref name="output"/>.</summary>
    internal static double Multiplications(Layer layer, IReadOnlyList<long> output) =>
        (double)(layer.IsProduct ? Rows(layer, output) : Pixels(output)) * layer.Weight.Length;

    private static long InputChannels(Layer layer) => layer.Weight.Dimensions[1];

    private static long Taps(Layer layer) => layer.Weight.Dimensions.Skip(2).Aggregate(1L, (product, size) => product * size);

    private static long Pixels(IReadOnlyList<long> output) => output[0] * output.Skip(2).Aggregate(1L, (product, size) => product * size);

    private static long Rows(Layer layer, IReadOnlyList<long> output) => layer.IsPooled ? output[0] : output.SkipLast(1).Aggregate(1L, (product, size) => product * size);

    private static long RoundUp(int channels) => (channels + Block - 1) / Block * Block;
}
