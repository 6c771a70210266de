using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>Finds the files that hold the weights of source models which ship as they are. Reads a few kilobytes of a model however large it is.</summary>
[MSBuildMultiThreadableTask]
public sealed class FindExternalData : Task
{
    private const string Role = "external/";

    /// <summary>The source models, with what else is known of their variants.</summary>
    public ITaskItem[] Models { get; set; } = [];

    /// <summary>The files, with LogicalName, their path relative to the app, and TargetProfile.</summary>
    [Output] public ITaskItem[] Files { get; set; } = [];

    public override bool Execute()
    {
        var log = new DiagnosticLog(Log);
        var files = new List<TaskItem>();
        foreach (var variant in Models.Select(ModelVariant.FromTaskItem).Where(variant => File.Exists(variant.ModelPath)))
        {
            try
            {
                var external = RequestInputs.Models(variant.ModelPath).Where(input => input.Role.StartsWith(Role, StringComparison.Ordinal)).ToList();
                if (external.Count > 0 && variant.IsEmbedded)
                {
                    log.Write(variant.NotEmbeddable("ModelBuildEnabled is false, so that the source model ships as it is, in several files"));
                }

                files.AddRange(external.Select(input => variant.BesideApp(input.Path, input.Role.Substring(Role.Length))));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                log.Write(Diagnostic.Create(DiagnosticCatalogue.ModelNotFound, variant.ModelPath, variant.ModelPath));
            }
        }

        // The targets of a model ship the same files.
        Files = [.. files.GroupBy(file => file.GetMetadata("LogicalName"), StringComparer.Ordinal).Select(same => same.First())];
        return !Log.HasLoggedErrors;
    }
}
