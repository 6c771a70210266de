using System;
using System.Collections.Generic;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// What of the documented surface this version carries out. The rest is refused by name: a setting that is accepted and
/// then ignored would ship something other than the project asked for.
/// </summary>
public static class Availability
{
    private static readonly string[] MetadataToCome =
    [
        MetadataNames.Teacher, MetadataNames.Student, MetadataNames.TrainingData, MetadataNames.FineTuneEpochs,
        MetadataNames.Preprocess, MetadataNames.ExportCommand, MetadataNames.MaxMemory,
    ];

    internal static IEnumerable<Diagnostic> Check(ModelSettings settings, string? file, Func<string, string?> metadata) =>
    [
        .. Only(file, MetadataNames.Precision, settings.Precision, Precision.Auto, Precision.Float32, Precision.Float16, Precision.Int8),
        .. Only(file, MetadataNames.Quantization, settings.Quantization, Quantization.Auto, Quantization.Static, Quantization.Dynamic, Quantization.None),
        .. Only(file, MetadataNames.Calibration, settings.Calibration, Calibration.Auto, Calibration.MinMax),
        .. Only(file, MetadataNames.Pruning, settings.Pruning, Pruning.None, Pruning.Threshold, Pruning.Magnitude),
        .. Only(file, MetadataNames.FineTune, settings.FineTune, FineTune.None),
        .. Only(file, MetadataNames.Objective, settings.Objective, Objective.Latency),
        .. Only(file, MetadataNames.Format, settings.Format, ArtifactFormat.Onnx),
        .. MetadataToCome.Where(name => !string.IsNullOrWhiteSpace(metadata(name)))
            .Select(name => Diagnostic.Create(DiagnosticCatalogue.NotAvailable, file, name, metadata(name)!, "")),
        .. string.Equals(metadata(MetadataNames.Compress)?.Trim(), "true", StringComparison.OrdinalIgnoreCase)
            ? [Diagnostic.Create(DiagnosticCatalogue.NotAvailable, file, MetadataNames.Compress, "true", "")]
            : Array.Empty<Diagnostic>(),
    ];

    /// <summary>The target profiles that this version makes artifacts for.</summary>
    public static bool IsAvailable(string target) => target != TargetNames.TensorRt;

    private static IEnumerable<Diagnostic> Only<T>(string? file, string metadata, T value, params T[] available) where T : struct, Enum =>
        available.Contains(value) ? []
            : [Diagnostic.Create(DiagnosticCatalogue.NotAvailable, file, metadata, value, $"; available: {string.Join(", ", available)}")];
}
