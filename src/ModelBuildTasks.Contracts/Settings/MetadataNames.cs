using System;
using System.Collections.Generic;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>The metadata of an OptimizedModel item that this version reads. The command line's options are named after them.</summary>
public static class MetadataNames
{
    public const string Name = "Name";
    public const string Targets = "Targets";
    public const string Precision = "Precision";
    public const string IoPrecision = "IoPrecision";
    public const string Quantization = "Quantization";
    public const string Calibration = "Calibration";
    public const string Pruning = "Pruning";
    public const string Sparsity = "Sparsity";
    public const string PruningThreshold = "PruningThreshold";
    public const string PruningScope = "PruningScope";
    public const string PruningExclude = "PruningExclude";
    public const string DisabledRules = "DisabledRules";
    public const string FineTune = "FineTune";
    public const string Teacher = "Teacher";
    public const string Student = "Student";
    public const string TrainingData = "TrainingData";
    public const string FineTuneEpochs = "FineTuneEpochs";
    public const string CalibrationData = "CalibrationData";
    public const string EvaluationData = "EvaluationData";
    public const string Metric = "Metric";
    public const string MinAccuracy = "MinAccuracy";
    public const string MaxAccuracyDrop = "MaxAccuracyDrop";
    public const string MaxClassAccuracyDrop = "MaxClassAccuracyDrop";
    public const string MaxLatency = "MaxLatency";
    public const string MaxLatencyRatio = "MaxLatencyRatio";
    public const string MaxSize = "MaxSize";
    public const string MaxSizeRatio = "MaxSizeRatio";
    public const string MaxMemory = "MaxMemory";
    public const string Objective = "Objective";
    public const string Format = "Format";
    public const string Preprocess = "Preprocess";
    public const string ExportCommand = "ExportCommand";
    public const string ExportInputs = "ExportInputs";
    public const string Embed = "Embed";
    public const string Compress = "Compress";
    public const string Accessor = "Accessor";
    public const string AccessorNamespace = "AccessorNamespace";
    public const string AccessorClass = "AccessorClass";
    public const string AccessorVisibility = "AccessorVisibility";

    /// <summary>All of them, listed: reflection would have to find them in every build.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        Name, Targets, Precision, IoPrecision, Quantization, Calibration, Pruning, Sparsity, PruningThreshold, PruningScope, PruningExclude, DisabledRules, FineTune,
        Teacher, Student, TrainingData, FineTuneEpochs, CalibrationData, EvaluationData, Metric, MinAccuracy, MaxAccuracyDrop, MaxClassAccuracyDrop, MaxLatency,
        MaxLatencyRatio, MaxSize, MaxSizeRatio, MaxMemory, Objective, Format, Preprocess, ExportCommand, ExportInputs, Embed, Compress, Accessor,
        AccessorNamespace, AccessorClass, AccessorVisibility,
    ];

    /// <summary>
    /// The known name that a misspelt one most likely means; null for a name that is known, or resembles none: items carry
    /// metadata of other tools (Link, Visible, …), which is none of our business.
    /// </summary>
    public static string? NearestTo(string name)
    {
        const int mostEdits = 2;
        if (All.Contains(name, StringComparer.OrdinalIgnoreCase))
        {
            return null;
        }

        var (nearest, edits) = All.Select(known => (known, EditDistance.Between(known, name))).OrderBy(pair => pair.Item2).First();
        return edits <= mostEdits && edits * 3 <= name.Length ? nearest : null;
    }
}
