using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Accessors;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Protobuf;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Items;
using ModelBuildTasks.Signatures;

namespace ModelBuildTasks;

/// <summary>
/// Writes one C# class per model from the source model's signature. Reads a few kilobytes of the model however large it is, and writes only
/// what changed, so that it may run in every design-time build.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class GenerateModelAccessors : Task
{
    /// <summary>What <see cref="ResolveOptimizedModels"/> made of the items.</summary>
    public ITaskItem[] Accessors { get; set; } = [];

    /// <summary>The resolved references; with Microsoft.ML.OnnxRuntime among them, not older than <see cref="AccessorRuntime.Oldest"/>, the accessor can load and run.</summary>
    public ITaskItem[] References { get; set; } = [];

    /// <summary>The project's C# version; nullable annotations need 8.</summary>
    public string LangVersion { get; set; } = "";

    /// <summary>Full path of the project file.</summary>
    [Required] public string ProjectFile { get; set; } = "";

    /// <summary>Full path of the folder for everything that is generated.</summary>
    [Required] public string Directory { get; set; } = "";

    /// <summary>Files of the build that are newer when a model has changed: the requests.</summary>
    public ITaskItem[] Requests { get; set; } = [];

    public bool TreatWarningsAsErrors { get; set; }

    public string? NoWarn { get; set; }

    public string? WarningsNotAsErrors { get; set; }

    /// <summary>The files, for the compiler.</summary>
    [Output] public ITaskItem[] Sources { get; set; } = [];

    private AccessorRuntime _runtime = null!;

    public override bool Execute()
    {
        _runtime = new AccessorRuntime(References);
        if (_runtime.TooOld is { } tooOld && Accessors.Length > 0)
        {
            // Before anything is recalled, so that it comes with every build.
            new DiagnosticLog(Log, TreatWarningsAsErrors, NoWarn, WarningsNotAsErrors).Write(Diagnostic.Create(DiagnosticCatalogue.AccessorCannotRun, ProjectFile, AccessorRuntime.Oldest, tooOld));
        }

        var memory = new TaskMemory(Path.Combine(Directory, $"{nameof(GenerateModelAccessors)}.cache"), InputText());
        if (memory.Recall() is { } recalled && Array.TrueForAll(recalled[0], source => File.Exists(source.ItemSpec)))
        {
            Sources = recalled[0];
            return !Log.HasLoggedErrors;
        }

        memory.Forget();
        try
        {
            Generate();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            new DiagnosticLog(Log).Write(Diagnostic.Create(DiagnosticCatalogue.CannotWrite, Directory, Directory, exception.Message));
        }

        if (!Log.HasLoggedErrors)
        {
            memory.Remember(Sources);
        }

        return !Log.HasLoggedErrors;
    }

    private string InputText() => string.Join("\n", LangVersion, _runtime.Runs.ToString(), TaskMemory.TextOf(Accessors),
        InputStamp.OfTimes(Array.ConvertAll(Accessors, accessor => accessor.GetMetadata(nameof(AccessorItem.ModelPath)))),
        InputStamp.OfTimes(Array.ConvertAll(Requests, request => request.ItemSpec)));

    private void Generate()
    {
        var log = new DiagnosticLog(Log);
        var accessors = Accessors.Select(AccessorItem.FromTaskItem).ToList();
        foreach (var same in accessors.GroupBy(accessor => $"{accessor.Namespace}.{accessor.Class}", StringComparer.Ordinal).Where(same => same.Count() > 1))
        {
            log.Write(Diagnostic.Create(DiagnosticCatalogue.DuplicateName, same.Last().ModelPath, same.Key, same.First().ModelPath, same.Last().ModelPath));
        }

        var sources = new List<ITaskItem>();
        foreach (var accessor in accessors.Where(accessor => accessor.Targets.Count > 0 && (!accessor.IsMade || File.Exists(accessor.ModelPath))))
        {
            if (Signature(accessor, log) is { } signature)
            {
                WholeFile.WriteIfDifferent(accessor.SourcePath, AccessorSource.Write(accessor, signature, _runtime.Runs, KnowsNullable));
                sources.Add(ItemText.Create(accessor.SourcePath));
            }
        }

        Sources = [.. sources];
    }

    private bool KnowsNullable => !Version.TryParse(LangVersion.Contains(".") ? LangVersion : $"{LangVersion}.0", out var version) || version.Major >= 8;

    private static ModelSignature? Signature(AccessorItem accessor, DiagnosticLog log)
    {
        try
        {
            return ModelSignature.Read(accessor.ModelPath, accessor.TakesHalf);
        }
        catch (ProtobufException exception)
        {
            log.Write(Diagnostic.Create(exception.IsTruncated ? DiagnosticCatalogue.ModelTruncated : DiagnosticCatalogue.NotOnnx, accessor.ModelPath, exception.Message));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Write(Diagnostic.Create(DiagnosticCatalogue.ModelNotFound, accessor.ModelPath, accessor.ModelPath));
        }

        return null;
    }
}
