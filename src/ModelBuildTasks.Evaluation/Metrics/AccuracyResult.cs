using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>What optimization cost, over one data set.</summary>
public sealed record AccuracyResult
{
    /// <summary>The metric, never <see cref="MetricKind.Auto"/>.</summary>
    public required MetricKind Metric { get; init; }

    /// <summary>False for errors, of which less is better.</summary>
    public required bool HigherIsBetter { get; init; }

    /// <summary>Number of samples.</summary>
    public required int Samples { get; init; }

    /// <summary>Whether scores are against labels; without, they are against the original model.</summary>
    public required bool Labelled { get; init; }

    /// <summary>The original's score in the metric's unit: a share for most, decibels for SignalToNoise.</summary>
    public required Estimate Original { get; init; }

    /// <summary>The optimized model's score.</summary>
    public required Estimate Optimized { get; init; }

    /// <summary>How much worse the optimized model is, positive when worse, no finite number where the optimized model's score is none; null where the original's score is not finite.</summary>
    public required Estimate? Drop { get; init; }

    /// <summary>The smallest drop that this many samples can tell from none.</summary>
    public required double SmallestResolvableDrop { get; init; }

    /// <summary>Share of samples to which both models give the same class; null when the first output is no vector of scores.</summary>
    public required double? Agreement { get; init; }

    /// <summary>Mean cosine similarity with the original of the output that fares worst.</summary>
    public required double WorstCosine { get; init; }

    /// <summary>The name of that output.</summary>
    public required string WorstOutput { get; init; }

    /// <summary>Outputs that are not finite for some samples, in one of the models; empty when all numbers are numbers.</summary>
    public required IReadOnlyList<NonFiniteOutput> NonFinite { get; init; }

    /// <summary>Drops of the share of right answers within single classes, worst first; empty without class labels.</summary>
    public required IReadOnlyList<ClassDrop> Classes { get; init; }

    /// <summary>The same within slices of the data, worst first; empty where the data names none. Of very many slices, the worst.</summary>
    public IReadOnlyList<SliceDrop> Slices { get; init; } = [];

    /// <summary>Samples that one model has right and the other wrong; null without class labels.</summary>
    public McNemar? Answers { get; init; }

    /// <summary>Right and wrong answers by class; null without class labels.</summary>
    public Confusion? Confusion { get; init; }
}
