using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ModelBuildTasks.Contracts.Locking;

/// <summary>What a lock file has against what a build made, as coded findings.</summary>
/// <param name="path">Full path of the lock file.</param>
/// <param name="buildCommand">What builds the project, such as "dotnet build App.csproj -r linux-x64"; messages tell how it updates the file.</param>
public sealed class LockFindings(string path, string buildCommand)
{
    private string FileName => Path.GetFileName(path);

    /// <summary>The command that accepts what was built.</summary>
    public string UpdateCommand => $"{buildCommand} -t:UpdateModelLock";

    /// <param name="project">The project file; empty where none is known.</param>
    /// <param name="runtimeIdentifier">Of the build; empty in a portable one.</param>
    public static string BuildCommand(string project, string runtimeIdentifier) =>
        $"dotnet build{(project.Length > 0 ? $" {Path.GetFileName(project)}" : "")}{(runtimeIdentifier.Length > 0 ? $" -r {runtimeIdentifier}" : "")}";

    /// <summary>Why a model for a target fails its build.</summary>
    /// <param name="file">The lock file as read.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="current">What was made of it.</param>
    /// <param name="isLocked">Whether the file must be up to date.</param>
    public IEnumerable<Diagnostic> Of(ModelLock file, OptimizationRequest request, LockEntry current, bool isLocked)
    {
        var locked = file.Find(request.Name, request.Target);
        return Regressions(request.ModelPath, request.Name, request.Target, locked, current)
            .Concat(isLocked ? Differences(request.Name, request.Target, locked, current).Select(found => OutOfDate(found.Difference, found.Line)) : []);
    }

    /// <summary>What got worse (MBT2006).</summary>
    public IEnumerable<Diagnostic> Regressions(string model, string name, string target, LockEntry? locked, LockEntry current) =>
        locked is null ? [] : LockComparison.Regressions(locked, current).Select(worse => Diagnostic.Create(DiagnosticCatalogue.LockRegression, model, name, target, FileName, worse, UpdateCommand));

    /// <summary>In what the file is out of date, as clauses, and at which line; 0 for the whole file.</summary>
    public static IEnumerable<(string Difference, int Line)> Differences(string name, string target, LockEntry? locked, LockEntry current) =>
        locked is null ? [($"it has no entry '{name}' for {target}", 0)] : LockComparison.Differences(locked, current).Select(difference => ($"'{name}' for {target}: {difference}", locked.Line));

    /// <summary>One of <see cref="Differences"/> where the file must be up to date (MBT2007).</summary>
    public Diagnostic OutOfDate(string difference, int line) => Diagnostic.Create(DiagnosticCatalogue.LockOutOfDate, path, FileName, difference, UpdateCommand).At(path, line);

    /// <summary>The file must be there and is not (MBT2007).</summary>
    public Diagnostic Missing() => OutOfDate($"there is no file '{path}'", 0);

    /// <summary>The file can't be read (MBT0014).</summary>
    public Diagnostic Unreadable(Exception fault) => fault is InvalidDataException invalid
        ? Diagnostic.Create(DiagnosticCatalogue.LockUnreadable, path, FileName, fault.Message).At(path, ModelLock.LineOf(invalid))
        : Diagnostic.Create(DiagnosticCatalogue.LockUnreadable, path, FileName, fault.Message.TrimEnd('.'));
}
