using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>
/// Compares what the build made with the lock file, in every build: what got worse is a budget, and in locked mode the file must be up to
/// date. Starts nothing and writes nothing.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class CompareModelLock : Task
{
    /// <summary>What <see cref="ResolveOptimizedModels"/> made of the items.</summary>
    public ITaskItem[] Variants { get; set; } = [];

    /// <summary>Full path of the lock file.</summary>
    [Required] public string LockFile { get; set; } = "";

    /// <summary>Full path of the project file.</summary>
    [Required] public string ProjectFile { get; set; } = "";

    /// <summary>Runtime identifier of the build; empty in a portable one.</summary>
    public string RuntimeIdentifier { get; set; } = "";

    /// <summary>Whether the lock file must be up to date.</summary>
    public bool IsLocked { get; set; }

    /// <summary>Whether this build sees all of the project's models.</summary>
    public bool IsWholeProject { get; set; }

    /// <summary>The project's ModelBudgetSeverity, valid.</summary>
    public string BudgetSeverity { get; set; } = "";

    public bool TreatWarningsAsErrors { get; set; }

    public string? NoWarn { get; set; }

    public string? WarningsNotAsErrors { get; set; }

    private LockFindings Findings => new(LockFile, LockFindings.BuildCommand(ProjectFile, RuntimeIdentifier));

    public override bool Execute()
    {
        var log = new DiagnosticLog(Log, TreatWarningsAsErrors, NoWarn, WarningsNotAsErrors);
        var severity = Choice.TryParse<BudgetSeverity>(BudgetSeverity, out var parsed) ? parsed : default;
        foreach (var diagnostic in File.Exists(LockFile) ? Compare() : Missing())
        {
            log.Write(diagnostic, severity);
        }

        return !Log.HasLoggedErrors;
    }

    private IEnumerable<Diagnostic> Missing() =>
        IsLocked ? [Findings.Missing().At(ProjectFile)] : [];

    private List<Diagnostic> Compare()
    {
        try
        {
            var locked = ModelLock.Read(LockFile);
            var variants = Variants.Select(ModelVariant.FromTaskItem).ToList();
            var scope = ProjectModels.Scope(variants, IsWholeProject);
            return
            [
                .. variants.Select(BuiltVariant.Read).OfType<BuiltVariant>().SelectMany(built => Compare(built, locked.Find(built.Variant.Name, built.Variant.Target))),
                .. locked.Entries.Where(entry => scope.IsGone(entry.Model, entry.Target))
                    .SelectMany(entry => OutOfDate($"it has an entry '{entry.Model}' for {entry.Target}, which the project does not make", entry.Entry.Line)),
            ];
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return [Findings.Unreadable(fault)];
        }
    }

    private IEnumerable<Diagnostic> Compare(BuiltVariant built, LockEntry? locked)
    {
        var (name, target) = (built.Variant.Name, built.Variant.Target);
        return
        [
            .. Findings.Regressions(built.Variant.SourcePath, name, target, locked, built.Entry),
            .. LockFindings.Differences(name, target, locked, built.Entry).SelectMany(found => OutOfDate(found.Difference, found.Line)),
        ];
    }

    private IEnumerable<Diagnostic> OutOfDate(string difference, int line)
    {
        if (IsLocked)
        {
            yield return Findings.OutOfDate(difference, line);
        }
        else
        {
            Log.LogMessage(MessageImportance.Normal, "'{0}' is out of date: {1}. '{2}' updates it.", Path.GetFileName(LockFile), difference, Findings.UpdateCommand);
        }
    }
}
