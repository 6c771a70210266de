using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>The values that one sample gives a model, fed or computed.</summary>
internal sealed class SampleActivations(Sample sample, SessionRun? run, Value[] computed, Value[] fed)
{
    internal ReadOnlySpan<float> this[Value value] => value.Producer is null ? Fed(value).Span<float>() : run!.Span<float>(Array.IndexOf(computed, value));

    internal IReadOnlyList<long> ShapeOf(Value value) => value.Producer is null ? Fed(value).Dimensions : run!.ShapeOf(Array.IndexOf(computed, value));

    private Tensor Fed(Value value) => sample.Inputs[Array.IndexOf(fed, value)];
}
