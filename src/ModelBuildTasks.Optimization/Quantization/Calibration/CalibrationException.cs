namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>The calibration samples, run through the model, do not give ranges to quantize by. The message is the reason.</summary>
internal sealed class CalibrationException(string message) : Exception(message);
