using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>What computes in integers, and with which scales: all that one quantized form of a model is made from.</summary>
/// <param name="Selection">The nodes that compute in integers.</param>
/// <param name="Scales">The scale of each tensor between them.</param>
/// <param name="InFloat">The nodes that could and do not.</param>
internal sealed record QuantizationChoice(NodeSelection Selection, ScaleAssignment Scales, FloatNodes InFloat);
