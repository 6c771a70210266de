using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>An operator that scales channel c of its output when channel From[c] of its input is scaled: f(s·x) = s·f(x) for each channel and s > 0.</summary>
/// <param name="From">The input channel that each output channel is made of; −1 for one made of another input.</param>
internal readonly record struct ChannelFlow(Value Input, Value Output, int[] From);
