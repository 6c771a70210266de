using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>
/// Logs what the results say, in every build: a warning must not vanish, nor a broken budget pass, because nothing had to be done again.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class ValidateModelBudgets : Task
{
    /// <summary>The requests, with ResultPath and what else is known of their variants.</summary>
    public ITaskItem[] Requests { get; set; } = [];

    /// <summary>Whether nothing is built, so that a model may have no result: what was built before is taken as it is.</summary>
    public bool IsNoBuild { get; set; }

    /// <summary>The project's ModelBudgetSeverity, valid.</summary>
    public string BudgetSeverity { get; set; } = "";

    public bool TreatWarningsAsErrors { get; set; }

    public string? NoWarn { get; set; }

    public string? WarningsNotAsErrors { get; set; }

    /// <summary>The files that hold the weights of artifacts in two files, with LogicalName, their path relative to the app, and TargetProfile.</summary>
    [Output] public ITaskItem[] ExternalData { get; set; } = [];

    public override bool Execute()
    {
        var log = new DiagnosticLog(Log, TreatWarningsAsErrors, NoWarn, WarningsNotAsErrors);
        var severity = Choice.TryParse<BudgetSeverity>(BudgetSeverity, out var parsed) ? parsed : default;
        var externalData = new List<TaskItem>();
        foreach (var request in Requests)
        {
            try
            {
                var path = request.GetMetadata("ResultPath");
                if (IsNoBuild && !File.Exists(path))
                {
                    continue;
                }

                var result = OptimizationResult.Read(path);
                foreach (var diagnostic in result.Diagnostics)
                {
                    // What is wrong with what was made of the project's file is shown at the project's file.
                    log.Write(diagnostic.File == request.GetMetadata("ModelPath") ? diagnostic.At(request.GetMetadata("SourcePath")) : diagnostic, severity);
                }

                if (result.ExternalData is { } name)
                {
                    var variant = ModelVariant.FromTaskItem(request);
                    if (variant.IsEmbedded)
                    {
                        log.Write(variant.NotEmbeddable($"it has {result.Optimized!.Bytes.ToString("N0", CultureInfo.InvariantCulture)} bytes, and one file can hold 2 GB"));
                    }

                    externalData.Add(variant.BesideApp(Path.Combine(Path.GetDirectoryName(variant.ArtifactPath)!, name), name));
                }

                Forget(result, path);
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                log.Write(Diagnostic.Create(DiagnosticCatalogue.WorkerFailed, request.ItemSpec, "its result can't be read", exception.Message));
            }
        }

        // Two models may be one, under two names: an app has such a file once.
        ExternalData = [.. externalData.GroupBy(file => file.GetMetadata("LogicalName"), StringComparer.Ordinal).Select(same => same.First())];
        return !Log.HasLoggedErrors;
    }

    // What failed is tried again by the next build: a full disk, a time limit, a file that was missing may be mended by then. And the news of
    // one build, such as a dead network, is not repeated in the next.
    private static void Forget(OptimizationResult result, string path)
    {
        if (!result.Succeeded || result.Diagnostics.Any(diagnostic => diagnostic.IsEnvironment))
        {
            File.Delete(path);
        }
        else if (result.Diagnostics.FirstOrDefault(diagnostic => diagnostic.IsTransient) is { } transient)
        {
            result.Diagnostics.Remove(transient);
            result.Write(path);
        }
    }
}
