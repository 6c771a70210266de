using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Targets;

public static partial class TargetProfiles
{
    /// <summary>The TensorRT execution provider: int8 with zero point 0 for both activations and weights. Its parser knows standard operators; others would cut its graph.</summary>
    /// <remarks>
    /// Types: int8 per tensor for activations and per channel for weights, float16 (TensorRT developer guide, "Working with quantized types"). Placement: Q/DQ in front of layers; TensorRT moves them
    /// itself ("Q/DQ placement recommendations"). Alignment: tensor cores take 16 int8 numbers a row; NVIDIA's Model Optimizer leaves smaller products in float, too. Sparsity: 2:4 along the inputs
    /// ("Structured sparsity"). Layouts and fusions are its own. Versions: 1.12 on; which operators an engine takes is for the TensorRT of the machine to say (onnx-tensorrt, operators.md).
    /// </remarks>
    public static TargetProfile TensorRt { get; } = new()
    {
        Name = "tensorrt",
        ExecutionProvider = "TensorrtExecutionProvider",
        Activations = ElementType.Int8,
        SymmetricActivations = true,
        SmallestIntegerProduct = 16,
        ComputesFloat16 = true,
        RunsContributedOperators = false,
        KeepsEnginesByName = true,
    };
}
