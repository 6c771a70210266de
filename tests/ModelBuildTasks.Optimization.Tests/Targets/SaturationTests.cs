using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Targets;

/// <summary>What the target <c>cpu</c> promises: the same integers on every processor. Shown by a model of the kernel, since the machine that tests may have the better one.</summary>
[TestClass]
public sealed class SaturationTests
{
    private const int SumsOfALayer = 400;

    [TestMethod]
    public void Pairs_of_large_products_saturate_with_8_bits_and_not_with_7()
    {
        byte[] activations = [255, 255, 255, 255];

        (int exact, int kernel) = SaturatingKernel.Dot(activations, [127, 127, -127, -127]);
        Assert.AreEqual((0, short.MaxValue + short.MinValue), (exact, kernel));
        (exact, kernel) = SaturatingKernel.Dot(activations, [64, 64, 64, 64]);
        Assert.AreEqual(exact, kernel);
    }

    [TestMethod]
    [DataRow("mobilenet_v1_0.25_224.onnx")]
    [DataRow("squeezenet1.0_imagenet_fp32.onnx")]
    [DataRow("aka_resnet20_cifar10.onnx")]
    [DataRow("magika_standard_v3_3.onnx")]
    [DataRow("mnist8_cntk.onnx")]
    [DataRow("ultraface_RFB-320.onnx")]
    public void No_sum_of_a_real_model_saturates_on_cpu(string name)
    {
        Count found = Simulate(name, TargetProfiles.Cpu);

        Assert.IsGreaterThan(0, found.Layers, "Nothing was quantized: this tests nothing.");
        Assert.AreEqual(0, found.Saturated, $"of {found.Sums} sums");
        Assert.IsLessThanOrEqualTo(short.MaxValue, found.LargestPair, "For any input whatever: the largest two weights side by side, at the largest activations.");
    }

    [TestMethod]
    [DataRow("mobilenet_v1_0.25_224.onnx")]
    [DataRow("aka_resnet20_cifar10.onnx")]
    [DataRow("mnist8_cntk.onnx")]
    [DataRow("ultraface_RFB-320.onnx")]
    public void With_the_8_bits_of_x64_sums_of_a_real_model_do_saturate_without_vnni(string name)
    {
        Count found = Simulate(name, TargetProfiles.CpuX64);

        Assert.IsGreaterThan(0, found.Saturated, $"of {found.Sums} sums");
        Assert.IsGreaterThan(short.MaxValue, found.LargestPair);
    }

    private static Count Simulate(string name, TargetProfile target)
    {
        QuantizationCase model = new(name);
        PassOutcome outcome = model.Quantize(target);
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        // The kernel of depthwise convolutions multiplies in 16 bits and adds in 32 (MlasConvDepthwiseKernel).
        Node[] layers = [.. model.Quantized.Graph.Nodes.Where(node => IsInIntegers(node) && !IsDepthwise(node))];
        Sample sample = model.Open(calibration: false).Read().First();
        foreach (Value codes in layers.Select(Codes).Distinct().Where(codes => !codes.IsOutput && !codes.IsInput))
        {
            model.Quantized.Graph.AddOutput(codes);
        }

        using ModelSession session = ModelSession.Open(model.Quantized, new SessionSettings { Optimize = false });
        Dictionary<string, Tensor> values = session.Outputs.Zip(session.Run(sample.Inputs)).ToDictionary(pair => pair.First.Name, pair => pair.Second);
        Count count = new(layers.Length, 0, 0, 0);
        Random random = new(1);
        foreach (Node layer in layers)
        {
            Tensor activations = values[Codes(layer).Name];
            Tensor weights = layer.Input(1)!.Producer!.Input(0)!.Initializer!;
            sbyte[] all = weights.Span<sbyte>().ToArray();
            int largest = all.Max(weight => Math.Abs((int)weight));
            count = count with { LargestPair = Math.Max(count.LargestPair, 2 * 255 * largest) };
            for (int i = 0; i < SumsOfALayer; i++)
            {
                (byte[] row, sbyte[] column) = layer.OpType == "Conv" ? ConvolutionSum(layer, activations, weights, random) : ProductSum(layer, activations, weights, random);
                (int exact, int kernel) = SaturatingKernel.Dot(row, column);
                count = count with { Sums = count.Sums + 1, Saturated = count.Saturated + (exact == kernel ? 0 : 1) };
            }
        }

        return count;
    }

    /// <summary>Whether activations and weights of the layer are stored as 8-bit integers, which ONNX Runtime then multiplies.</summary>
    private static bool IsInIntegers(Node node) =>
        node.OpType is "Conv" or "MatMul" or "Gemm" && node.Input(0)?.Producer is { OpType: "DequantizeLinear" } && node.Input(1)?.Producer is { OpType: "DequantizeLinear" } weights
        && weights.Input(0)!.Initializer is { ElementType: ElementType.Int8 };

    private static bool IsDepthwise(Node node) => node.OpType == "Conv" && node.GetInt("group", 1) > 1 && node.Input(1)!.Producer!.Input(0)!.Initializer!.Dimensions[1] == 1;

    private static Value Codes(Node layer) => layer.Input(0)!.Producer!.Input(0)!;

    /// <summary>The numbers of one output of a convolution in the order of ONNX Runtime's NHWC kernel: a place of the window after the other, all channels of each side by side.</summary>
    private static (byte[] Activations, sbyte[] Weights) ConvolutionSum(Node layer, Tensor activations, Tensor weights, Random random)
    {
        ReadOnlySpan<byte> x = activations.Span<byte>();
        ReadOnlySpan<sbyte> w = weights.Span<sbyte>();
        byte zero = layer.Input(0)!.Producer!.Input(2)!.Initializer!.Span<byte>()[0];
        (int height, int width) = ((int)activations.Dimensions[2], (int)activations.Dimensions[3]);
        (int filters, int channels, int rows, int columns) = ((int)weights.Dimensions[0], (int)weights.Dimensions[1], (int)weights.Dimensions[2], (int)weights.Dimensions[3]);
        int groups = (int)layer.GetInt("group", 1);
        long[] strides = layer.GetInts("strides") ?? [1, 1], dilations = layer.GetInts("dilations") ?? [1, 1], pads = layer.GetInts("pads") ?? [0, 0, 0, 0];
        int filter = random.Next(filters);
        int top = random.Next(Math.Max(1, (int)((height + pads[0] + pads[2] - ((rows - 1) * dilations[0] + 1)) / strides[0] + 1))) * (int)strides[0] - (int)pads[0];
        int left = random.Next(Math.Max(1, (int)((width + pads[1] + pads[3] - ((columns - 1) * dilations[1] + 1)) / strides[1] + 1))) * (int)strides[1] - (int)pads[1];
        byte[] row = new byte[channels * rows * columns];
        sbyte[] column = new sbyte[row.Length];
        for (int k = 0; k < row.Length; k++)
        {
            (int place, int channel) = (k / channels, k % channels);
            (int r, int c) = (place / columns, place % columns);
            (int h, int v) = (top + r * (int)dilations[0], left + c * (int)dilations[1]);
            int source = filter / (filters / groups) * channels + channel;
            row[k] = h >= 0 && h < height && v >= 0 && v < width ? x[(source * height + h) * width + v] : zero;
            column[k] = w[((filter * channels + channel) * rows + r) * columns + c];
        }

        return (row, column);
    }

    private static (byte[] Activations, sbyte[] Weights) ProductSum(Node layer, Tensor activations, Tensor weights, Random random)
    {
        bool isTransposed = layer.OpType == "Gemm" && layer.GetInt("transB", 0) != 0;
        (int inputs, int outputs) = isTransposed ? ((int)weights.Dimensions[1], (int)weights.Dimensions[0]) : ((int)weights.Dimensions[^2], (int)weights.Dimensions[^1]);
        int start = random.Next((int)(activations.Length / inputs)) * inputs;
        int output = random.Next(outputs);
        sbyte[] all = weights.Span<sbyte>().ToArray();
        return (activations.Span<byte>().Slice(start, inputs).ToArray(), [.. Enumerable.Range(0, inputs).Select(k => isTransposed ? all[output * inputs + k] : all[k * outputs + output])]);
    }

    private sealed record Count(int Layers, int Sums, int Saturated, int LargestPair);
}
