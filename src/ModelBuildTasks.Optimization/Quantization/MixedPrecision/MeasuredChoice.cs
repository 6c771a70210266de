namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>A choice with what is known of the form made from it.</summary>
/// <param name="Choice">What computes in integers.</param>
/// <param name="Noise">What that adds to the outputs on a few samples.</param>
/// <param name="Time">Predicted, in nanoseconds (<see cref="SelectionTime"/>).</param>
internal sealed record MeasuredChoice(QuantizationChoice Choice, OutputNoise Noise, double Time)
{
    /// <exception cref="Inference.InferenceException">The form cannot be loaded or run.</exception>
    internal static MeasuredChoice Of(CalibratedModel model, QuantizationChoice choice, FidelityProbe probe) =>
        new(choice, probe.Measure(model.Form(choice)), SelectionTime.Of(model.Candidates, choice.Selection));
}
