using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>What accuracy means. Names are the values of the item's <c>Metric</c> metadata.</summary>
public enum MetricKind
{
    /// <summary>By the labels: class indices give <see cref="Top1"/>, numbers <see cref="MeanSquaredError"/>, none <see cref="Cosine"/>.</summary>
    Auto,
    Top1,
    Top5,
    F1,
    Precision,
    Recall,
    AreaUnderRoc,
    MeanSquaredError,
    MeanAbsoluteError,
    Cosine,
    SignalToNoise,
}

/// <summary>A metric that does not apply to these labels or outputs; the message says why.</summary>
public sealed class MetricException(string message) : Exception(message);

/// <summary>
/// Scores a model from a few numbers kept of each sample, so that raw outputs are never held, and any resample of the samples can be scored.
/// </summary>
internal abstract class Metric
{
    /// <summary>False for errors, of which less is better.</summary>
    internal virtual bool HigherIsBetter => true;

    /// <summary>Whether labels are classes: each sample is right or wrong, and few samples resolve only coarse differences.</summary>
    internal virtual bool IsOfClasses => false;

    /// <summary>Whether an output may be empty, or have another number of elements than the original's.</summary>
    internal virtual bool TakesAnySize => false;

    /// <summary>The numbers to keep of one sample.</summary>
    /// <param name="outputs">The model's outputs, each flattened in row-major order.</param>
    /// <param name="reference">The original model's outputs for the same sample.</param>
    /// <param name="label">The sample's label, if it has one.</param>
    /// <exception cref="MetricException">The label is missing, or does not suit the outputs.</exception>
    internal abstract double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label);

    /// <summary>The score as a function of how often each sample counts. The function may be called from several threads.</summary>
    /// <param name="kept">What <see cref="Keep"/> returned for each sample.</param>
    internal abstract Func<int[], double> Scorer(double[][] kept);

    internal static Metric Create(MetricKind kind) => kind switch
    {
        MetricKind.Top1 => new TopHits(1),
        MetricKind.Top5 => new TopHits(5),
        MetricKind.F1 => new ConfusionMetric(static (precision, recall) => precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)),
        MetricKind.Precision => new ConfusionMetric(static (precision, _) => precision),
        MetricKind.Recall => new ConfusionMetric(static (_, recall) => recall),
        MetricKind.AreaUnderRoc => new AreaUnderRoc(),
        MetricKind.MeanSquaredError => new MeanError(static difference => difference * difference),
        MetricKind.MeanAbsoluteError => new MeanError(Math.Abs),
        MetricKind.Cosine => new Cosine(),
        MetricKind.SignalToNoise => new SignalToNoise(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Auto stands for another metric."),
    };

    /// <summary>The weighted mean of one kept number.</summary>
    private protected static double Mean(double[][] kept, int column, int[] weights)
    {
        double sum = 0;
        long count = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            sum += weights[i] * kept[i][column];
            count += weights[i];
        }

        return sum / count;
    }
}
