using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>Share of samples to which the model gives the same class as the original; a score that is not a number in both is the same answer.</summary>
internal sealed class Agreement : Metric
{
    internal override bool IsOfClasses => true;

    internal override bool IsShareOfSamples => true;

    internal override bool IsAgainstOriginal => true;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label) =>
        ClassScores.IsVector(reference[0])
            ? [ClassScores.Predicted(outputs) == ClassScores.Predicted(reference) ? 1 : 0]
            : throw new MetricException($"Agreement compares predicted classes; the model's first output {reference[0]} is no vector of scores.");
}
