using System;
using System.Collections.Generic;
using System.Linq;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>How one model is to be optimized, as the item's metadata say. In JSON, choices are written by name.</summary>
public sealed class ModelSettings
{
    public Precision Precision { get; set; }

    public IoPrecision IoPrecision { get; set; }

    public Quantization Quantization { get; set; }

    public Calibration Calibration { get; set; }

    public Pruning Pruning { get; set; }

    /// <summary>Share of the weights to remove, 0 to 1; 0 when nothing is pruned.</summary>
    public double Sparsity { get; set; }

    /// <summary>Weights of smaller magnitude are removed; null unless <see cref="Pruning"/> is <see cref="Pruning.Threshold"/>.</summary>
    public double? PruningThreshold { get; set; }

    public PruningScope PruningScope { get; set; }

    /// <summary>Names of layers or of their weights that are not pruned, in which <c>*</c> stands for any characters; ordered, each once.</summary>
    public IReadOnlyList<string> PruningExclude { get; set; } = [];

    /// <summary>Rules of the simplification that are left out, from <see cref="SimplificationRules.All"/>.</summary>
    public IReadOnlyList<string> DisabledRules { get; set; } = [];

    public FineTune FineTune { get; set; }

    /// <summary>How often training goes through its data, at least 1; null where that is left to the build.</summary>
    public int? FineTuneEpochs { get; set; }

    public Metric Metric { get; set; }

    public Objective Objective { get; set; }

    public ArtifactFormat Format { get; set; }

    public ModelSettings Clone() => (ModelSettings)MemberwiseClone();

    internal static ModelSettings Read(JsonObject? json) => json is null ? new ModelSettings() : new ModelSettings
    {
        Precision = json.Choice<Precision>(nameof(Precision)),
        IoPrecision = json.Choice<IoPrecision>(nameof(IoPrecision)),
        Quantization = json.Choice<Quantization>(nameof(Quantization)),
        Calibration = json.Choice<Calibration>(nameof(Calibration)),
        Pruning = json.Choice<Pruning>(nameof(Pruning)),
        Sparsity = json.Number(nameof(Sparsity)) ?? 0,
        PruningThreshold = json.Number(nameof(PruningThreshold)),
        PruningScope = json.Choice<PruningScope>(nameof(PruningScope)),
        PruningExclude = SplitNames(json.Text(nameof(PruningExclude))),
        DisabledRules = SimplificationRules.Split(json.Text(nameof(DisabledRules))),
        FineTune = json.Choice<FineTune>(nameof(FineTune)),
        FineTuneEpochs = (int?)json.Integer(nameof(FineTuneEpochs)),
        Metric = json.Choice<Metric>(nameof(Metric)),
        Objective = json.Choice<Objective>(nameof(Objective)),
        Format = json.Choice<ArtifactFormat>(nameof(Format)),
    };

    /// <summary>Names that are separated by semicolons: ONNX names may hold any other character.</summary>
    internal static string[] SplitNames(string? list) =>
        [.. (list ?? "").Split(';').Select(name => name.Trim()).Where(name => name.Length > 0).Distinct().OrderBy(name => name, StringComparer.Ordinal)];

    /// <summary>Whether there are forms to choose from: the numbers are left to the build, or how much is pruned. Quantization-aware training names the numbers: static int8.</summary>
    public bool LeavesChoice => (LeavesNumbers && FineTune != FineTune.QuantizationAware) || Pruning == Pruning.Auto;

    /// <summary>Whether neither the format of numbers nor how they are introduced is written.</summary>
    internal bool LeavesNumbers => this is { Precision: Precision.Auto, Quantization: Quantization.Auto };

    /// <summary>Whether static quantization is asked for, or may be chosen.</summary>
    internal bool MayBeStatic => this is { Precision: Precision.Auto or Precision.Int8, Quantization: Quantization.Auto or Quantization.Static } or { Precision: Precision.Int4, Quantization: Quantization.Static };

    /// <summary>What is written of the numbers, as an attribute.</summary>
    internal string Numbers => Precision == Precision.Auto || Quantization is not (Quantization.Auto or Quantization.Static) ? $"Quantization=\"{Quantization}\"" : $"Precision=\"{Precision}\"";

    internal void Write(JsonWriter json) => json
        .Add(nameof(Precision), Precision.ToString())
        .Add(nameof(IoPrecision), IoPrecision.ToString())
        .Add(nameof(Quantization), Quantization.ToString())
        .Add(nameof(Calibration), Calibration.ToString())
        .Add(nameof(Pruning), Pruning.ToString())
        .Add(nameof(Sparsity), (double?)Sparsity)
        .Add(nameof(PruningThreshold), PruningThreshold)
        .Add(nameof(PruningScope), PruningScope.ToString())
        .Add(nameof(PruningExclude), string.Join(";", PruningExclude))
        .Add(nameof(DisabledRules), string.Join(";", DisabledRules))
        .Add(nameof(FineTune), FineTune.ToString())
        .Add(nameof(FineTuneEpochs), (long?)FineTuneEpochs)
        .Add(nameof(Metric), Metric.ToString())
        .Add(nameof(Objective), Objective.ToString())
        .Add(nameof(Format), Format.ToString());
}
