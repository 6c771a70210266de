using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Targets;

public static partial class TargetProfiles
{
    /// <summary>
    /// Any processor. Weights have 7 bits: without the VNNI instructions, ONNX Runtime's unsigned-by-signed kernel adds pairs
    /// of products in 16 bits (VPMADDUBSW), which saturate at 255·127·2 but not at 255·64·2 (mlas/lib/x86_64/QgemmU8X8KernelAvx2Common.inc).
    /// </summary>
    /// <remarks>
    /// Operators: DequantizeLinear → operator → QuantizeLinear becomes one integer operator for those of qdq_selector_action_transformer.cc; dynamic quantization has
    /// MatMulInteger and DynamicQuantizeLSTM; Gelu, MultiHeadAttention, MatMulNBits and GatherBlockQuantized of com.microsoft have kernels (ContribOperators.md, OperatorKernels.md).
    /// Types: float32 and 8-bit integers; float16 is computed between casts to float32. Layouts: the runtime itself reorders float convolutions to blocks of channels (NCHWc) and
    /// integer ones to NHWC, so that a graph stays NCHW. Alignment: none; kernels pad. Versions: 1.12 on; packed weights later, by <see cref="Conversion.Releases.ReleaseFit"/>.
    /// </remarks>
    public static TargetProfile Cpu { get; } = new()
    {
        Name = "cpu",
        ExecutionProvider = TargetProfile.CpuProvider,
        Activations = ElementType.UInt8,
        WeightBits = 7,
        FusesQuantizedOperators = true,
        PackedWeightBits = [2, 4, 8],
    };
}
