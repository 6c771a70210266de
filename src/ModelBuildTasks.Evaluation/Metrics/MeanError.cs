using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// Mean of an error over the elements of the first output against the label, or of all outputs against the original's when there are no labels.
/// </summary>
internal sealed class MeanError(Func<double, double> error) : Metric
{
    internal override bool HigherIsBetter => false;

    internal override double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label)
    {
        if (label is not null && label.Length != outputs[0].Length)
        {
            throw new MetricException($"The label has {label.Length} numbers, the model's first output has {outputs[0].Length}; an error needs one for each.");
        }

        double sum = 0;
        long count = 0;
        for (int i = 0; i < (label is null ? outputs.Count : 1); i++)
        {
            ReadOnlySpan<float> found = outputs[i].AsSingles();
            ReadOnlySpan<float> expected = (label ?? reference[i]).AsSingles();
            for (int k = 0; k < found.Length; k++)
            {
                sum += error((double)found[k] - expected[k]);
            }

            count += found.Length;
        }

        return [sum / count];
    }
}
