namespace ModelBuildTasks.Optimization.Targets;

public static partial class TargetProfiles
{
    /// <summary>The CUDA execution provider: it has float16 kernels, and none for quantized convolutions or products (ONNX Runtime, OperatorKernels.md).</summary>
    /// <remarks>
    /// Types: float16 on tensor cores, which add in float32 by default (cuBLAS, CUBLAS_COMPUTE_32F); bfloat16 has kernels for few convolutions and needs compute capability 8.0, so that float16 serves
    /// more devices. Layouts: NCHW; NHWC is the provider's own option (prefer_nhwc). Alignment: cuBLAS 11.0 and cuDNN 7.6.3 on use tensor cores for any size, best for multiples of 8 float16 numbers
    /// (NVIDIA, Matrix Multiplication Background, "Requirements to use tensor cores"). Fusions: Gelu, FastGelu and MultiHeadAttention of com.microsoft have float16 kernels. Versions: 1.12 on;
    /// packed weights of 4 bits since 1.17 (microsoft/onnxruntime#17890), of 8 bits since 1.22 (#24509), of 2 bits none.
    /// </remarks>
    public static TargetProfile Cuda { get; } = new()
    {
        Name = "cuda",
        ExecutionProvider = "CUDAExecutionProvider",
        ComputesFloat16 = true,
        PackedWeightBits = [4, 8],
    };
}
