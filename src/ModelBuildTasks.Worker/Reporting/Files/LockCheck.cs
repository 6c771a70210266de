using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>Holds results against the project's lock file, as the build that made them does.</summary>
/// <param name="lockFile">Full path of the lock file.</param>
/// <param name="buildCommand">What builds the project; messages tell how it updates the file.</param>
/// <param name="isLocked">Whether the file must be up to date.</param>
internal sealed class LockCheck(string lockFile, string buildCommand, bool isLocked)
{
    private const string ResultExtension = ".result.json";
    private const string RequestExtension = ".request.json";

    private readonly LockFindings findings = new(lockFile, buildCommand);

    /// <summary>
    /// What the lock file has against a result; null where nothing can be compared: there is no artifact, no lock file though it need not be up to date, or no request of this version beside the result.
    /// </summary>
    internal IReadOnlyList<Diagnostic>? Of(string resultPath, OptimizationResult result)
    {
        if (result.Succeeded && isLocked && !File.Exists(lockFile))
        {
            return [findings.Missing()];
        }

        if (!result.Succeeded || !File.Exists(lockFile) || RequestBeside(resultPath) is not { } request)
        {
            return null;
        }

        try
        {
            return [.. findings.Of(ModelLock.Read(lockFile), request, LockEntry.Of(request, result), isLocked)];
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return [findings.Unreadable(fault)];
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
            string path = resultPath[..^ResultExtension.Length] + RequestExtension;
            return File.Exists(path) ? OptimizationRequest.Read(path) : null;
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
