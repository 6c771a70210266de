using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// Turns the metadata of an OptimizedModel item, or the options of the command line, into settings and budgets, and says
/// everything that is wrong with them at once. An empty value is an absent one.
/// </summary>
public sealed class SettingsReader
{
    /// <summary>Far more than any training needs; what is above is a mistake, and not a number that learning rates can be planned over.</summary>
    private const int MostEpochs = 100_000;

    private readonly string? _file;
    private readonly Func<string, string?> _metadata;
    private readonly List<Diagnostic> _diagnostics = [];

    private SettingsReader(string? file, Func<string, string?> metadata)
    {
        _file = file;
        _metadata = metadata;
    }

    public ModelSettings Settings { get; } = new();

    public ModelBudgets Budgets { get; } = new();

    public IReadOnlyList<Diagnostic> Diagnostics => _diagnostics;

    /// <param name="name">The model's name, for messages.</param>
    /// <param name="file">The file that diagnostics point to.</param>
    /// <param name="metadata">The value of a metadata, or null or empty.</param>
    public static SettingsReader Read(string name, string? file, Func<string, string?> metadata)
    {
        var reader = new SettingsReader(file, metadata);
        reader.ReadSettings();
        reader.ReadBudgets();
        if (reader._diagnostics.Count == 0)
        {
            reader._diagnostics.AddRange(Contradictions.Check(name, reader.Settings, reader.Budgets, file, metadata));
        }

        return reader;
    }

    private void ReadSettings()
    {
        Settings.Precision = OneOf<Precision>(MetadataNames.Precision);
        Settings.IoPrecision = OneOf<IoPrecision>(MetadataNames.IoPrecision);
        Settings.Quantization = OneOf<Quantization>(MetadataNames.Quantization);
        Settings.Calibration = OneOf<Calibration>(MetadataNames.Calibration);
        Settings.FineTune = OneOf<FineTune>(MetadataNames.FineTune);
        Settings.Pruning = Text(MetadataNames.Pruning) is null ? DefaultPruning() : OneOf<Pruning>(MetadataNames.Pruning);
        Settings.Sparsity = Number(MetadataNames.Sparsity, "a number from 0 to 1", value => value is >= 0 and <= 1) ?? 0;
        Settings.PruningThreshold = Number(MetadataNames.PruningThreshold, "a number of at least 0", value => value >= 0);
        Settings.PruningScope = OneOf<PruningScope>(MetadataNames.PruningScope);
        Settings.PruningExclude = ModelSettings.SplitNames(Text(MetadataNames.PruningExclude));
        Settings.DisabledRules = Rules();
        Settings.FineTuneEpochs = (int?)Number(MetadataNames.FineTuneEpochs, $"a whole number from 1 to {MostEpochs}", value => value is >= 1 and <= MostEpochs && value == Math.Floor(value));
        Settings.Metric = OneOf<Metric>(MetadataNames.Metric);
        Settings.Objective = OneOf<Objective>(MetadataNames.Objective);
        Settings.Format = OneOf<ArtifactFormat>(MetadataNames.Format);
    }

    /// <summary>
    /// Where the numbers are left to the build, so is pruning, given data to refit to and other data to judge by. Not where a share, a threshold or a scope is written: that is of a kind that is still to be named. Nor
    /// where training is named, which recovers what is named.
    /// </summary>
    private Pruning DefaultPruning() =>
        Settings is { Precision: Precision.Auto, Quantization: Quantization.Auto, FineTune: FineTune.None or FineTune.Auto } && Text(MetadataNames.CalibrationData) is not null && Text(MetadataNames.EvaluationData) is not null
        && (Text(MetadataNames.Sparsity) ?? Text(MetadataNames.PruningThreshold) ?? Text(MetadataNames.PruningScope)) is null
            ? Pruning.Auto
            : Pruning.None;

    private void ReadBudgets()
    {
        Budgets.MinAccuracy = Number(MetadataNames.MinAccuracy, "a number", _ => true);
        Budgets.MaxAccuracyDrop = Number(MetadataNames.MaxAccuracyDrop, "a number of at least 0", value => value >= 0);
        Budgets.MaxClassAccuracyDrop = Number(MetadataNames.MaxClassAccuracyDrop, "a number of at least 0", value => value >= 0);
        Budgets.MaxLatencyMilliseconds = Duration(MetadataNames.MaxLatency);
        Budgets.MaxLatencyRatio = Number(MetadataNames.MaxLatencyRatio, "a number above 0", value => value > 0);
        Budgets.MaxSizeBytes = Size(MetadataNames.MaxSize);
        Budgets.MaxSizeRatio = Number(MetadataNames.MaxSizeRatio, "a number above 0", value => value > 0);
        Budgets.MaxMemoryBytes = Size(MetadataNames.MaxMemory);
    }

    private T OneOf<T>(string metadata) where T : struct, Enum
    {
        if (Text(metadata) is { } text && !Choice.TryParse<T>(text, out var value))
        {
            Report(DiagnosticCatalogue.UnknownValue, metadata, text, string.Join(", ", Choice.Names<T>()));
            return default;
        }

        return Text(metadata) is { } known ? Choice.Parse<T>(known) : default;
    }

    private string[] Rules()
    {
        var names = SimplificationRules.Split(Text(MetadataNames.DisabledRules));
        foreach (var name in names.Where(name => !SimplificationRules.All.Contains(name)))
        {
            Report(DiagnosticCatalogue.UnknownValue, MetadataNames.DisabledRules, name, SimplificationRules.Offer(name));
        }

        return names;
    }

    private double? Number(string metadata, string expected, Func<double, bool> allowed) =>
        Read(metadata, expected, text => Quantity.TryParseNumber(text, out var value) && allowed(value) ? value : null);

    private double? Duration(string metadata) =>
        Read(metadata, "a duration above 0 such as 8ms or 1.5s", text => Quantity.TryParseDuration(text, out var value) && value > 0 ? value : null);

    private long? Size(string metadata) =>
        (long?)Read(metadata, "a size above 0 such as 400KB or 64MB", text => Quantity.TryParseSize(text, out var value) && value > 0 ? value : (double?)null);

    private double? Read(string metadata, string expected, Func<string, double?> parse)
    {
        if (Text(metadata) is not { } text)
        {
            return null;
        }

        var value = parse(text);
        if (value is null)
        {
            Report(DiagnosticCatalogue.NotAQuantity, metadata, text, expected);
        }

        return value;
    }

    private string? Text(string metadata) => _metadata(metadata) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    private void Report(DiagnosticDescriptor descriptor, params object[] arguments) => _diagnostics.Add(Diagnostic.Create(descriptor, _file, arguments));
}
