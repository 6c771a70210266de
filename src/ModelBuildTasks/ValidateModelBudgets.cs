using System;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Diagnostics;

namespace ModelBuildTasks;

/// <summary>
/// Logs what the results say, in every build: a warning must not vanish, nor a broken budget pass, because nothing had to be done again.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class ValidateModelBudgets : Task
{
    /// <summary>The requests, with ResultPath.</summary>
    public ITaskItem[] Requests { get; set; } = [];

    /// <summary>The project's ModelBudgetSeverity, valid.</summary>
    public string BudgetSeverity { get; set; } = "";

    public bool TreatWarningsAsErrors { get; set; }

    public string? NoWarn { get; set; }

    public string? WarningsNotAsErrors { get; set; }

    public override bool Execute()
    {
        var log = new DiagnosticLog(Log, TreatWarningsAsErrors, NoWarn, WarningsNotAsErrors);
        var severity = Choice.TryParse<BudgetSeverity>(BudgetSeverity, out var parsed) ? parsed : default;
        foreach (var request in Requests)
        {
            try
            {
                var result = request.GetMetadata("ResultPath");
                var diagnostics = OptimizationResult.Read(result).Diagnostics;
                foreach (var diagnostic in diagnostics)
                {
                    Write(log, diagnostic, severity);
                }

                // The fault was the environment's (a full disk, a time limit), which may be gone by now: the next build tries again.
                if (diagnostics.Any(diagnostic => diagnostic.IsEnvironment))
                {
                    File.Delete(result);
                }
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                log.Write(Diagnostic.Create(DiagnosticCatalogue.WorkerFailed, request.ItemSpec, "its result can't be read", exception.Message));
            }
        }

        return !Log.HasLoggedErrors;
    }

    private void Write(DiagnosticLog log, Diagnostic diagnostic, BudgetSeverity severity)
    {
        if (!diagnostic.IsBudget || severity == Contracts.BudgetSeverity.Error)
        {
            log.Write(diagnostic);
        }
        else if (severity == Contracts.BudgetSeverity.Warning)
        {
            log.Write(diagnostic, DiagnosticSeverity.Warning);
        }
        else
        {
            Log.LogMessage(MessageImportance.Normal, "{0}", diagnostic);
        }
    }
}
