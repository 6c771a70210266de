using System;
using System.Collections.Generic;
using System.IO;

namespace ModelBuildTasks.Contracts.Locking;

/// <summary>Holds results against the project's lock file, as the build that made them does. The file is read once, whatever number of results there are.</summary>
/// <param name="lockFile">Full path of the lock file.</param>
/// <param name="buildCommand">What builds the project; messages tell how it updates the file.</param>
/// <param name="isLocked">Whether the file must be up to date.</param>
public sealed class LockCheck(string lockFile, string buildCommand, bool isLocked)
{
    private const string ResultExtension = ".result.json";
    private const string RequestExtension = ".request.json";

    private readonly LockFindings _findings = new(lockFile, buildCommand);

    // Null without a file. What can't be read is thrown each time.
    private readonly Lazy<ModelLock?> _file = new(() => File.Exists(lockFile) ? ModelLock.Read(lockFile) : null);

    /// <summary>
    /// What the lock file has against a result; null where nothing can be compared: there is no artifact, no lock file though it need not be up to date, or no request of this version beside the result.
    /// </summary>
    public IReadOnlyList<Diagnostic>? Of(string resultPath, OptimizationResult result)
    {
        if (!result.Succeeded)
        {
            return null;
        }

        try
        {
            return _file.Value is not { } file ? (isLocked ? [_findings.Missing()] : null)
                : RequestBeside(resultPath) is { } request ? [.. _findings.Of(file, request, LockEntry.Of(request, result), isLocked)]
                : null;
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return [_findings.Unreadable(fault)];
        }
    }

    private static OptimizationRequest? RequestBeside(string resultPath)
    {
        if (!resultPath.EndsWith(ResultExtension, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        try
        {
            var path = resultPath.Substring(0, resultPath.Length - ResultExtension.Length) + RequestExtension;
            return File.Exists(path) ? OptimizationRequest.Read(path) : null;
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
