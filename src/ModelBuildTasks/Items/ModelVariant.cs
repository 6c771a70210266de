using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Items;

/// <summary>
/// One model for one target: what the targets files pass on between tasks. As an item it is the artifact's path; its metadata are
/// the model's own with the target's overrides applied, and the ones below.
/// </summary>
internal sealed class ModelVariant(string modelPath, string sourcePath, string name, string target, string directory, IReadOnlyDictionary<string, string> metadata, string definedIn, string definedAs)
{
    private const string ModelPathKey = "ModelPath";
    private const string SourcePathKey = "SourcePath";
    // Items know no metadata "Target": the name is reserved.
    private const string TargetKey = "TargetProfile";
    private const string DefinedInKey = "DefinedIn";
    private const string DefinedAsKey = "DefinedAs";
    private const string Folder = "models/";
    private const string CompressedExtension = ".br";

    /// <summary>Full path of the model that is optimized: the source, or what <see cref="PreprocessModel"/> makes of it.</summary>
    public string ModelPath { get; } = modelPath;

    /// <summary>Full path of the source model, as the project names it.</summary>
    public string SourcePath { get; } = sourcePath;

    public string Name { get; } = name;

    public string Target { get; } = target;

    /// <summary>Settings and budgets as written.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; } = metadata;

    /// <summary>Where the project writes the model's item. Reads that file.</summary>
    public ItemLocation Location => ItemLocation.Find(definedIn, "OptimizedModel", definedAs);

    /// <summary>Whether the artifact becomes a resource.</summary>
    public bool IsEmbedded => !"false".Equals(Text(MetadataNames.Embed), StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the artifact is compressed.</summary>
    public bool IsCompressed => "true".Equals(Text(MetadataNames.Compress), StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the artifact is in ORT format.</summary>
    public bool IsOrt => Text(MetadataNames.Format) is { } text && Choice.TryParse<ArtifactFormat>(text, out var format) && format == ArtifactFormat.Ort;

    public string ArtifactPath => Path.Combine(directory, $"{FileName(Name)}{Extension(IsOrt, IsCompressed)}");

    public string RequestPath => Path.Combine(directory, $"{FileName(Name)}.request.json");

    public string ResultPath => Path.Combine(directory, $"{FileName(Name)}.result.json");

    /// <summary>What an app knows an artifact by: the name of the resource or, not embedded, the path relative to the app.</summary>
    public static string LogicalName(string name, string target, bool isOrt, bool isCompressed) => $"{Folder}{FileName(name)}.{target}{Extension(isOrt, isCompressed)}";

    /// <summary>A file that goes to the app with what ships of this variant.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="place">Where it lies relative to the model.</param>
    public TaskItem BesideApp(string path, string place) => ItemText.Create(path, new Dictionary<string, string> { ["LogicalName"] = $"{Folder}{place}", [TargetKey] = Target });

    /// <summary>That what ships is several files, and is to be a resource.</summary>
    /// <param name="reason">Why it is several files, as a clause.</param>
    public Diagnostic NotEmbeddable(string reason)
    {
        var diagnostic = Diagnostic.Create(DiagnosticCatalogue.NotEmbeddable, ModelPath, Name, Target, reason);
        return Location is { Line: > 0 } place ? diagnostic.At(place.File, place.Line, place.Column) : diagnostic;
    }

    /// <summary>Where the model with what its Preprocess says in front lies, for all targets.</summary>
    public static string PreprocessedPath(string directory, string name) => Path.Combine(directory, FileName(name), "preprocessed", $"{FileName(name)}.onnx");

    /// <summary>The name with what a file system may refuse replaced.</summary>
    public static string FileName(string name) => ModelFileName.Of(name);

    /// <summary>A metadata as written; null when it is absent.</summary>
    public string? Text(string name) => Metadata.TryGetValue(name, out var value) ? value : null;

    public ITaskItem ToTaskItem()
    {
        var metadata = Metadata.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.OrdinalIgnoreCase);
        metadata[ModelPathKey] = ModelPath;
        metadata[SourcePathKey] = SourcePath;
        metadata[MetadataNames.Name] = Name;
        metadata[TargetKey] = Target;
        metadata[DefinedInKey] = definedIn;
        metadata[DefinedAsKey] = definedAs;
        metadata["RequestPath"] = RequestPath;
        metadata["ResultPath"] = ResultPath;
        metadata["LogicalName"] = LogicalName(Name, Target, IsOrt, IsCompressed);
        if (IsOrt)
        {
            metadata["RequiredOperatorsPath"] = RequiredOperators.PathFor(ArtifactPath);
        }

        return ItemText.Create(ArtifactPath, metadata);
    }

    // By its extension ONNX Runtime knows the format of a file.
    private static string Extension(bool isOrt, bool isCompressed) => $"{(isOrt ? ".ort" : ".onnx")}{(isCompressed ? CompressedExtension : "")}";

    public static ModelVariant FromTaskItem(ITaskItem item)
    {
        var metadata = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var name in MetadataNames.All)
        {
            if (item.Text(name) is { } value)
            {
                metadata[name] = value;
            }
        }

        return new ModelVariant(item.GetMetadata(ModelPathKey), item.GetMetadata(SourcePathKey), item.GetMetadata(MetadataNames.Name), item.GetMetadata(TargetKey),
            Path.GetDirectoryName(item.ItemSpec)!, metadata, item.GetMetadata(DefinedInKey), item.GetMetadata(DefinedAsKey));
    }
}
