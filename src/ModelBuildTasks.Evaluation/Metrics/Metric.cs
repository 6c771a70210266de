using System.Numerics.Tensors;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference.Data;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>What accuracy means. Names are the values of the item's <c>Metric</c> metadata.</summary>
public enum MetricKind
{
    /// <summary>
    /// What the data set declares, <see cref="MeanAveragePrecision"/> or <see cref="IntersectionOverUnion"/>; else by the labels: class indices give <see cref="Top1"/>,
    /// numbers <see cref="MeanSquaredError"/>, none <see cref="Cosine"/>.
    /// </summary>
    Auto,
    Top1,
    Top5,
    F1,
    Precision,
    Recall,
    AreaUnderRoc,
    MeanAveragePrecision,
    IntersectionOverUnion,
    MeanSquaredError,
    MeanAbsoluteError,
    Agreement,
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

    /// <summary>Whether the score is the mean of one kept number, 1 for a sample that is right and 0 for one that is not.</summary>
    internal virtual bool IsShareOfSamples => false;

    /// <summary>Whether the original is the measure, and labels say nothing.</summary>
    internal virtual bool IsAgainstOriginal => false;

    /// <summary>Whether an output may be empty, or have another number of elements than the original's.</summary>
    internal virtual bool TakesAnySize => false;

    /// <summary>The numbers to keep of one sample.</summary>
    /// <param name="outputs">The model's outputs, each flattened in row-major order.</param>
    /// <param name="reference">The original model's outputs for the same sample.</param>
    /// <param name="label">The sample's label, if it has one.</param>
    /// <exception cref="MetricException">The label is missing, or does not suit the outputs.</exception>
    internal abstract double[] Keep(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> reference, Tensor? label);

    /// <summary>The numbers to keep of one sample for both models; a metric that needs no second look at the outputs says so here.</summary>
    /// <param name="original">The original model's outputs.</param>
    /// <param name="optimized">The optimized model's.</param>
    /// <param name="label">The sample's label, if it has one.</param>
    /// <param name="compared">What comparing the outputs has told already.</param>
    internal virtual (double[] Original, double[] Optimized) Keep(
        IReadOnlyList<Tensor> original, IReadOnlyList<Tensor> optimized, Tensor? label, ReadOnlySpan<ComparedOutput> compared) =>
        (Keep(original, original, label), Keep(optimized, original, label));

    /// <summary>The score as a function of how often each sample counts: the mean of the first number kept, unless a metric says otherwise. The function may be called from several threads.</summary>
    /// <param name="kept">What <see cref="Keep"/> returned for each sample.</param>
    internal virtual Func<int[], double> Scorer(double[][] kept)
    {
        double[] scores = Column(kept, 0);
        return weights => Mean(scores, weights);
    }

    /// <param name="kind">Which one, not <see cref="MetricKind.Auto"/>.</param>
    /// <param name="scoring">What the data set states.</param>
    /// <param name="outputNames">The model's outputs.</param>
    /// <exception cref="MetricException">The data set does not declare what the metric needs, or declares outputs that the model does not have.</exception>
    internal static Metric Create(MetricKind kind, Scoring scoring, IReadOnlyList<string> outputNames) => kind switch
    {
        MetricKind.Top1 => new TopHits(1),
        MetricKind.Top5 => new TopHits(5),
        MetricKind.F1 => new ConfusionMetric(static (precision, recall) => precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall), scoring.Average, scoring.Positive),
        MetricKind.Precision => new ConfusionMetric(static (precision, _) => precision, scoring.Average, scoring.Positive),
        MetricKind.Recall => new ConfusionMetric(static (_, recall) => recall, scoring.Average, scoring.Positive),
        MetricKind.AreaUnderRoc => new AreaUnderRoc(),
        MetricKind.MeanAveragePrecision => new MeanAveragePrecision(
            new DetectionReader(scoring.Detection ?? throw new MetricException("It needs a \"detection\" in dataset.json that says which outputs are boxes and scores."), outputNames), scoring.Detection.Overlap),
        MetricKind.IntersectionOverUnion => new IntersectionOverUnion(OutputIndex(scoring.Segmentation?.Output ?? outputNames[0], outputNames), scoring.Segmentation?.Ignore),
        MetricKind.MeanSquaredError => new MeanError(static difference => difference * difference),
        MetricKind.MeanAbsoluteError => new MeanError(Math.Abs),
        MetricKind.Agreement => new Agreement(),
        MetricKind.Cosine => new Cosine(),
        MetricKind.SignalToNoise => new SignalToNoise(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Auto stands for another metric."),
    };

    /// <exception cref="MetricException">The model has no such output.</exception>
    internal static int OutputIndex(string name, IReadOnlyList<string> outputNames)
    {
        int index = outputNames.Index().Where(output => output.Item == name).Select(output => output.Index).FirstOrDefault(-1);
        return index >= 0 ? index : throw new MetricException($"dataset.json names the output '{name}'; the model has {string.Join(", ", outputNames)}.");
    }

    /// <summary>One kept number of all samples.</summary>
    private protected static double[] Column(double[][] kept, int column) => Array.ConvertAll(kept, sample => sample[column]);

    /// <summary>The weighted mean.</summary>
    private protected static double Mean(double[] values, int[] weights) => DoubleSums.Weighted(values, weights) / TensorPrimitives.Sum<int>(weights);
}
