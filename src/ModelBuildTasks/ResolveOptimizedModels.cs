using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Accessors;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>
/// Turns OptimizedModel items into one item per model and target, with every path and name decided, and says what is wrong with
/// their metadata. Reads no model, so that it may run in every build, design-time builds included.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class ResolveOptimizedModels : Task
{
    private const string ReadAlike = "the accessor reads all targets of a model alike";
    private const string MadeByOne = "one command makes the model for all of its targets";
    private const string OfOneModel = "all targets are made of one model";
    private const string Named = "a model has one name and one list of targets";

    /// <summary>What an OptimizedModelTarget can't change, and why, as a clause.</summary>
    private static readonly (string Metadata, string Reason)[] s_ofTheWholeModel =
    [
        (MetadataNames.Name, Named), (MetadataNames.Targets, Named),
        (MetadataNames.ExportCommand, MadeByOne), (MetadataNames.ExportInputs, MadeByOne), (MetadataNames.Preprocess, OfOneModel),
        (MetadataNames.Embed, ReadAlike), (MetadataNames.Compress, ReadAlike), (MetadataNames.IoPrecision, ReadAlike), (MetadataNames.Accessor, ReadAlike),
        (MetadataNames.AccessorNamespace, ReadAlike), (MetadataNames.AccessorClass, ReadAlike), (MetadataNames.AccessorVisibility, ReadAlike),
    ];

    /// <summary>The OptimizedModel items.</summary>
    public ITaskItem[] Models { get; set; } = [];

    /// <summary>The OptimizedModelTarget items: a profile, the Model it belongs to, and the metadata to override.</summary>
    public ITaskItem[] Overrides { get; set; } = [];

    /// <summary>Runtime identifier of the build; empty in a portable one.</summary>
    public string RuntimeIdentifier { get; set; } = "";

    /// <summary>Full path of the folder for everything that is generated.</summary>
    [Required] public string Directory { get; set; } = "";

    /// <summary>Full path of the project file.</summary>
    [Required] public string ProjectFile { get; set; } = "";

    /// <summary>Namespace of accessors whose item does not name one.</summary>
    public string RootNamespace { get; set; } = "";

    /// <summary>The project's ModelBuildEnabled.</summary>
    public string Enabled { get; set; } = "";

    /// <summary>The project's ModelMeasurement.</summary>
    public string Measurement { get; set; } = "";

    /// <summary>The project's ModelBudgetSeverity.</summary>
    public string BudgetSeverity { get; set; } = "";

    /// <summary>The project's ModelLockedMode.</summary>
    public string LockedMode { get; set; } = "";

    /// <summary>The project's UpdateModelLock.</summary>
    public string UpdateLock { get; set; } = "";

    /// <summary>The project's ModelOptimizationTimeout.</summary>
    public string OptimizationTimeout { get; set; } = "";

    /// <summary>The project's ModelRemoteCache.</summary>
    public string RemoteCache { get; set; } = "";

    /// <summary>The target framework, as <c>.NETFramework,Version=v4.8</c>.</summary>
    public string TargetFramework { get; set; } = "";

    /// <summary>Whether the target framework's base library has Brotli, with which compressed models are read.</summary>
    public bool HasBrotli { get; set; } = true;

    /// <summary>Whether the project uses Microsoft.NET.Sdk.</summary>
    public bool IsSdkProject { get; set; }

    public bool TreatWarningsAsErrors { get; set; }

    public string? NoWarn { get; set; }

    public string? WarningsNotAsErrors { get; set; }

    /// <summary>One item per model and target; see <see cref="ModelVariant"/>.</summary>
    [Output] public ITaskItem[] Variants { get; set; } = [];

    /// <summary>One item per accessor to generate; see <see cref="AccessorItem"/>.</summary>
    [Output] public ITaskItem[] AccessorItems { get; set; } = [];

    /// <summary>Models that something is put in front of: as an item the path of what that becomes, for <see cref="PreprocessModel"/>.</summary>
    [Output] public ITaskItem[] Preprocessed { get; set; } = [];

    private const string DefiningProject = "DefiningProjectFullPath";
    private readonly List<Diagnostic> _diagnostics = [];
    private string _projectDirectory = "";

    public override bool Execute()
    {
        if (!IsSdkProject)
        {
            new DiagnosticLog(Log).Write(Diagnostic.Create(DiagnosticCatalogue.NotAnSdkProject, ProjectFile));
            return false;
        }

        _projectDirectory = Path.GetDirectoryName(ProjectFile)!;
        var memory = new TaskMemory(Path.Combine(Directory, $"{nameof(ResolveOptimizedModels)}.cache"), InputText());
        if (IsRemoteCacheValid && memory.Recall() is { } recalled)
        {
            Variants = recalled[0];
            AccessorItems = recalled[1];
            Preprocessed = recalled[2];
            return true;
        }

        Resolve();
        if (_diagnostics.Count == 0)
        {
            memory.Remember(Variants, AccessorItems, Preprocessed);
        }

        return !Log.HasLoggedErrors;
    }

    private void Resolve()
    {
        CheckProject();
        CheckNames();
        CheckOverrides();
        var models = Models.Select(model => (Item: model, Variants: TargetsOf(model).ConvertAll(target => Variant(model, target)))).ToList();
        Variants = [.. models.SelectMany(model => model.Variants.Select(variant => variant.ToTaskItem()))];
        Preprocessed = [.. Models.Where(model => model.Text(MetadataNames.Preprocess) is not null).Select(PreprocessedItem)];
        AccessorItems = [.. models.Where(model => model.Item.IsTrue(MetadataNames.Accessor, fallback: true)).Select(model => Accessor(model.Item, model.Variants))];

        var log = new DiagnosticLog(Log, TreatWarningsAsErrors, NoWarn, WarningsNotAsErrors);
        // Variants of one model share most metadata, and with them what is wrong with those.
        foreach (var diagnostic in _diagnostics.GroupBy(diagnostic => (diagnostic.Code, diagnostic.File, diagnostic.Message)).Select(same => same.First()))
        {
            log.Write(diagnostic);
        }
    }

    private string InputText() => string.Join("\n", RuntimeIdentifier, Directory, ProjectFile, RootNamespace, Enabled, Measurement, BudgetSeverity, LockedMode, UpdateLock, OptimizationTimeout, TargetFramework, HasBrotli.ToString(),
        TaskMemory.TextOf(Models, Overrides), string.Join("\n", Models.Select(model => model.Text(MetadataNames.Preprocess) is { } description ? DescriptionPath(description) : "")), string.Join("\n", Models.Select(model => model.GetMetadata(DefiningProject))));

    private bool IsRemoteCacheValid => RemoteCache.Length == 0 || RemoteCacheAddress.Parse(RemoteCache) is not null;

    private void CheckProject()
    {
        foreach (var (name, value) in new[] { ("ModelBuildEnabled", Enabled), ("ModelLockedMode", LockedMode), ("UpdateModelLock", UpdateLock) })
        {
            if (value.Length > 0 && !bool.TryParse(value, out _))
            {
                Report(DiagnosticCatalogue.UnknownValue, ProjectFile, name, value, "true, false");
            }
        }

        CheckProperty<Measurement>("ModelMeasurement", Measurement);
        CheckProperty<BudgetSeverity>("ModelBudgetSeverity", BudgetSeverity);
        if (OptimizationTimeout.Length > 0 && !Quantity.TryParseDuration(OptimizationTimeout, out _))
        {
            Report(DiagnosticCatalogue.NotAQuantity, ProjectFile, "ModelOptimizationTimeout", OptimizationTimeout, "a duration such as 90s or 30min");
        }

        // Not part of what is remembered: it may hold a password.
        if (!IsRemoteCacheValid)
        {
            Report(DiagnosticCatalogue.NotAQuantity, ProjectFile, "ModelRemoteCache", RemoteCacheAddress.Redact(RemoteCache), RemoteCacheAddress.Expected);
        }
    }

    private void CheckNames()
    {
        foreach (var same in Models.GroupBy(model => ModelVariant.FileName(NameOf(model)), StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1))
        {
            Report(DiagnosticCatalogue.DuplicateName, same.Last(), NameOf(same.Last()), PathOf(same.First()), PathOf(same.Last()));
        }

        foreach (var item in Models.Concat(Overrides))
        {
            foreach (string written in item.MetadataNames)
            {
                if (written is not "Model" && MetadataNames.NearestTo(written) is { } meant)
                {
                    Report(DiagnosticCatalogue.UnknownMetadata, item, written, meant);
                }
            }
        }
    }

    private void CheckOverrides()
    {
        var names = Models.Select(NameOf).ToList();
        foreach (var item in Overrides)
        {
            var model = item.GetMetadata("Model");
            if (!names.Contains(model, StringComparer.OrdinalIgnoreCase))
            {
                Report(DiagnosticCatalogue.UnknownOverride, item, "model", model, string.Join(", ", names));
            }

            foreach (var (metadata, reason) in s_ofTheWholeModel.Where(entry => item.Text(entry.Metadata) is not null))
            {
                Report(DiagnosticCatalogue.ContradictorySettings, item, $"{reason}, and an OptimizedModelTarget has {metadata} of its own, which belongs to the OptimizedModel");
            }

            if (TargetNames.Find(item.ItemSpec) is null)
            {
                Report(DiagnosticCatalogue.UnknownOverride, item, "target", item.ItemSpec, string.Join(", ", TargetNames.ByPreference));
            }
        }
    }

    private List<string> TargetsOf(ITaskItem model)
    {
        var written = ItemText.List(model.GetMetadata(MetadataNames.Targets));
        if (written.Count == 0)
        {
            return [TargetNames.Default(RuntimeIdentifier)];
        }

        foreach (var text in written.Where(text => TargetNames.Find(text) is null))
        {
            Report(DiagnosticCatalogue.UnknownValue, model, MetadataNames.Targets, text, string.Join(", ", TargetNames.ByPreference));
        }

        var known = written.Select(TargetNames.Find).OfType<string>().Distinct().ToList();
        var running = known.Where(target => TargetNames.CanRun(target, RuntimeIdentifier)).ToList();
        if (known.Count > 0 && running.Count == 0)
        {
            Report(DiagnosticCatalogue.TargetCannotRun, model, NameOf(model), string.Join(", ", known), RuntimeIdentifier);
        }

        return running;
    }

    private ModelVariant Variant(ITaskItem model, string target)
    {
        var name = NameOf(model);
        var metadata = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var overrides = Overrides.Where(item => item.GetMetadata("Model").Equals(name, StringComparison.OrdinalIgnoreCase) && TargetNames.Find(item.ItemSpec) == target);
        foreach (var item in new[] { model }.Concat(overrides))
        {
            foreach (var key in MetadataNames.All)
            {
                if (item.Text(key) is { } value)
                {
                    metadata[key] = value;
                }
            }
        }

        foreach (var key in new[] { MetadataNames.CalibrationData, MetadataNames.EvaluationData, MetadataNames.TrainingData, MetadataNames.Teacher, MetadataNames.Student })
        {
            if (metadata.TryGetValue(key, out var path))
            {
                metadata[key] = ItemText.FullPath(_projectDirectory, path);
            }
        }

        if (metadata.TryGetValue(MetadataNames.Preprocess, out var description))
        {
            metadata[MetadataNames.Preprocess] = DescriptionPath(description);
        }

        foreach (var key in new[] { MetadataNames.Embed, MetadataNames.Compress, MetadataNames.Accessor })
        {
            CheckBoolean(key, metadata, model);
        }

        if (!IsCompressed(model))
        {
            metadata.Remove(MetadataNames.Compress);
        }
        else if (!HasBrotli)
        {
            Report(DiagnosticCatalogue.CompressNeedsBrotli, model, name, TargetFramework);
        }

        var reader = SettingsReader.Read(name, PathOf(model), key => metadata.TryGetValue(key, out var value) ? value : null);
        _diagnostics.AddRange(reader.Diagnostics.Select(diagnostic => AtItem(diagnostic, model)));
        if (Contradictions.OfTarget(reader.Settings, target) is { } contradiction)
        {
            Report(DiagnosticCatalogue.ContradictorySettings, model, contradiction);
        }

        if (IsSwitchedOff)
        {
            metadata.Remove(MetadataNames.Format);
        }

        return new ModelVariant(ModelPathOf(model), PathOf(model), name, target, Path.Combine(Directory, ModelVariant.FileName(name), target), metadata, model.GetMetadata(DefiningProject), model.ItemSpec);
    }

    private ITaskItem Accessor(ITaskItem model, IReadOnlyList<ModelVariant> variants)
    {
        var accessor = AccessorItem.For(model, ModelPathOf(model), NameOf(model), variants, IsCompressed(model), TakesHalf(model), RootNamespace, Directory);
        if (accessor.InvalidName is { } invalid)
        {
            Report(DiagnosticCatalogue.NotAQuantity, model, invalid, model.GetMetadata(invalid), "a C# name");
        }

        if (model.Text(MetadataNames.AccessorVisibility) is { } visibility && !Choice.TryParse<AccessorVisibility>(visibility, out _))
        {
            Report(DiagnosticCatalogue.UnknownValue, model, MetadataNames.AccessorVisibility, visibility, string.Join(", ", Choice.Names<AccessorVisibility>()));
        }

        return accessor.ToTaskItem();
    }

    // The build then ships the source models as they are.
    private bool IsSwitchedOff => "false".Equals(Enabled, StringComparison.OrdinalIgnoreCase);

    private bool TakesHalf(ITaskItem model) => model.Text(MetadataNames.IoPrecision) is { } text && Choice.TryParse<IoPrecision>(text, out var io) && io == IoPrecision.Float16 && !IsSwitchedOff;

    private bool IsCompressed(ITaskItem model) => model.IsTrue(MetadataNames.Compress, fallback: false) && !IsSwitchedOff;

    private void CheckProperty<T>(string name, string value) where T : struct, Enum
    {
        if (value.Length > 0 && !Choice.TryParse<T>(value, out _))
        {
            Report(DiagnosticCatalogue.UnknownValue, ProjectFile, name, value, string.Join(", ", Choice.Names<T>()));
        }
    }

    private void CheckBoolean(string name, Dictionary<string, string> metadata, ITaskItem model)
    {
        if (metadata.TryGetValue(name, out var value) && !bool.TryParse(value, out _))
        {
            Report(DiagnosticCatalogue.UnknownValue, model, name, value, "true, false");
        }
    }

    private string PathOf(ITaskItem model) => ItemText.FullPath(_projectDirectory, model.ItemSpec);

    private string ModelPathOf(ITaskItem model) => model.Text(MetadataNames.Preprocess) is null ? PathOf(model) : ModelVariant.PreprocessedPath(Directory, NameOf(model));

    // Of a data set in a folder, its description is meant.
    private string DescriptionPath(string written)
    {
        var path = ItemText.FullPath(_projectDirectory, written);
        return System.IO.Directory.Exists(path) ? Path.Combine(path, "dataset.json") : path;
    }

    private ITaskItem PreprocessedItem(ITaskItem model) => ItemText.Create(ModelPathOf(model), new Dictionary<string, string>
    {
        ["SourcePath"] = PathOf(model),
        [MetadataNames.Preprocess] = DescriptionPath(model.Text(MetadataNames.Preprocess)!),
        ["DefinedIn"] = model.GetMetadata(DefiningProject),
        ["DefinedAs"] = model.ItemSpec,
    });

    private static string NameOf(ITaskItem model) => model.Text(MetadataNames.Name) ?? Path.GetFileNameWithoutExtension(model.ItemSpec);

    private void Report(DiagnosticDescriptor descriptor, string file, params object[] arguments) => _diagnostics.Add(Diagnostic.Create(descriptor, file, arguments));

    private void Report(DiagnosticDescriptor descriptor, ITaskItem item, params object[] arguments) => _diagnostics.Add(AtItem(Diagnostic.Create(descriptor, PathOf(item), arguments), item));

    // The project's line where it can be found; where not, what the item is about: the model.
    private Diagnostic AtItem(Diagnostic diagnostic, ITaskItem item)
    {
        var place = ItemLocation.Of(item, Array.IndexOf(Overrides, item) >= 0 ? "OptimizedModelTarget" : "OptimizedModel");
        return place.Line > 0 ? diagnostic.At(place.File, place.Line, place.Column) : diagnostic;
    }
}
