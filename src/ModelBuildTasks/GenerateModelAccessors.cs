using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Accessors;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Diagnostics;
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

    /// <summary>The resolved references; with Microsoft.ML.OnnxRuntime among them the accessor can load and run.</summary>
    public ITaskItem[] References { get; set; } = [];

    /// <summary>The project's C# version; nullable annotations need 8.</summary>
    public string LangVersion { get; set; } = "";

    /// <summary>The files, for the compiler.</summary>
    [Output] public ITaskItem[] Sources { get; set; } = [];

    public override bool Execute()
    {
        var log = new DiagnosticLog(Log);
        var accessors = Accessors.Select(AccessorItem.FromTaskItem).ToList();
        foreach (var same in accessors.GroupBy(accessor => $"{accessor.Namespace}.{accessor.Class}", StringComparer.Ordinal).Where(same => same.Count() > 1))
        {
            log.Write(Diagnostic.Create(DiagnosticCatalogue.DuplicateName, same.Last().ModelPath, same.Key, same.First().ModelPath));
        }

        var hasOnnxRuntime = References.Any(reference => Path.GetFileNameWithoutExtension(reference.ItemSpec).Equals("Microsoft.ML.OnnxRuntime", StringComparison.OrdinalIgnoreCase));
        var sources = new List<ITaskItem>();
        foreach (var accessor in accessors.Where(accessor => accessor.Targets.Count > 0))
        {
            if (Signature(accessor, log) is { } signature)
            {
                WriteIfDifferent(accessor.SourcePath, AccessorSource.Write(accessor, signature, hasOnnxRuntime, KnowsNullable));
                sources.Add(Items.ItemText.Create(accessor.SourcePath, []));
            }
        }

        Sources = [.. sources];
        return !Log.HasLoggedErrors;
    }

    private bool KnowsNullable => !Version.TryParse(LangVersion.Contains(".") ? LangVersion : $"{LangVersion}.0", out var version) || version.Major >= 8;

    private static ModelSignature? Signature(AccessorItem accessor, DiagnosticLog log)
    {
        try
        {
            return ModelSignature.Read(accessor.ModelPath);
        }
        catch (SignatureException exception)
        {
            log.Write(Diagnostic.Create(exception.IsTruncated ? DiagnosticCatalogue.ModelTruncated : DiagnosticCatalogue.NotOnnx, accessor.ModelPath, exception.Message));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Write(Diagnostic.Create(DiagnosticCatalogue.ModelNotFound, accessor.ModelPath, accessor.ModelPath));
        }

        return null;
    }

    private static void WriteIfDifferent(string path, string text)
    {
        if (File.Exists(path) && File.ReadAllText(path) == text)
        {
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text, new UTF8Encoding(false));
    }
}
