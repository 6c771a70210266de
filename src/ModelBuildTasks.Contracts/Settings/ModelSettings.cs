using System.Runtime.Serialization;

namespace ModelBuildTasks.Contracts;

/// <summary>How one model is to be optimized, as the item's metadata say. In JSON, choices are written by name.</summary>
[DataContract]
public sealed class ModelSettings
{
    public Precision Precision { get; set; }

    public Quantization Quantization { get; set; }

    public Calibration Calibration { get; set; }

    public Pruning Pruning { get; set; }

    /// <summary>Share of the weights to remove, 0 to 1; 0 when nothing is pruned.</summary>
    [DataMember(Order = 4)] public double Sparsity { get; set; }

    /// <summary>Weights of smaller magnitude are removed; null unless <see cref="Pruning"/> is <see cref="Pruning.Threshold"/>.</summary>
    [DataMember(Order = 5)] public double? PruningThreshold { get; set; }

    public PruningScope PruningScope { get; set; }

    public FineTune FineTune { get; set; }

    public Metric Metric { get; set; }

    public Objective Objective { get; set; }

    public ArtifactFormat Format { get; set; }

    [DataMember(Order = 0, Name = nameof(Precision))]
    private string PrecisionText { get => Precision.ToString(); set => Precision = Choice.Parse<Precision>(value); }

    [DataMember(Order = 1, Name = nameof(Quantization))]
    private string QuantizationText { get => Quantization.ToString(); set => Quantization = Choice.Parse<Quantization>(value); }

    [DataMember(Order = 2, Name = nameof(Calibration))]
    private string CalibrationText { get => Calibration.ToString(); set => Calibration = Choice.Parse<Calibration>(value); }

    [DataMember(Order = 3, Name = nameof(Pruning))]
    private string PruningText { get => Pruning.ToString(); set => Pruning = Choice.Parse<Pruning>(value); }

    [DataMember(Order = 6, Name = nameof(PruningScope))]
    private string PruningScopeText { get => PruningScope.ToString(); set => PruningScope = Choice.Parse<PruningScope>(value); }

    [DataMember(Order = 7, Name = nameof(FineTune))]
    private string FineTuneText { get => FineTune.ToString(); set => FineTune = Choice.Parse<FineTune>(value); }

    [DataMember(Order = 8, Name = nameof(Metric))]
    private string MetricText { get => Metric.ToString(); set => Metric = Choice.Parse<Metric>(value); }

    [DataMember(Order = 9, Name = nameof(Objective))]
    private string ObjectiveText { get => Objective.ToString(); set => Objective = Choice.Parse<Objective>(value); }

    [DataMember(Order = 10, Name = nameof(Format))]
    private string FormatText { get => Format.ToString(); set => Format = Choice.Parse<ArtifactFormat>(value); }
}

/// <summary>The limits that an artifact must keep; null is no limit.</summary>
[DataContract]
public sealed class ModelBudgets
{
    /// <summary>Least accuracy, in the metric's unit.</summary>
    [DataMember(Order = 0)] public double? MinAccuracy { get; set; }

    /// <summary>Largest loss against the original, in the metric's unit: 0.01 is one point of Top1.</summary>
    [DataMember(Order = 1)] public double? MaxAccuracyDrop { get; set; }

    /// <summary>Largest loss of any one class.</summary>
    [DataMember(Order = 2)] public double? MaxClassAccuracyDrop { get; set; }

    [DataMember(Order = 3)] public double? MaxLatencyMilliseconds { get; set; }

    /// <summary>Latency over the original's, both measured in the same run.</summary>
    [DataMember(Order = 4)] public double? MaxLatencyRatio { get; set; }

    [DataMember(Order = 5)] public long? MaxSizeBytes { get; set; }

    /// <summary>Size over the original's.</summary>
    [DataMember(Order = 6)] public double? MaxSizeRatio { get; set; }

    [DataMember(Order = 7)] public long? MaxMemoryBytes { get; set; }
}
