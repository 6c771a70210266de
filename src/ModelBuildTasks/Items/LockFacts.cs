using System;
using System.IO;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Diagnostics;

namespace ModelBuildTasks.Items;

/// <summary>What requests take from the lock file.</summary>
internal sealed class LockFacts(ModelLock file)
{
    /// <returns>Null without a lock file, and where it can't be read, which is an error before minutes are spent on a search that the file may have made needless.</returns>
    public static LockFacts? Read(string lockFile, DiagnosticLog log)
    {
        try
        {
            return File.Exists(lockFile) ? new LockFacts(ModelLock.Read(lockFile)) : null;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            log.Write(new LockFindings(lockFile, buildCommand: "").Unreadable(exception));
            return null;
        }
    }

    /// <summary>The processor that an absolute limit of latency was set on.</summary>
    /// <returns>Null where the limit is not locked, is another one, or was set on the kind of processor that this is: a request says nothing that the build machine knows itself.</returns>
    public string? LimitProcessorOf(OptimizationRequest request) =>
        file.Find(request.Name, request.Target)?.MaxLatency is { Processor: { } processor } limit && limit.Milliseconds == request.Budgets.MaxLatencyMilliseconds
        && !ProcessorName.AreSame(processor, ProcessorName.Current)
            ? processor : null;

    /// <summary>What the same request became.</summary>
    /// <param name="request">With its inputs.</param>
    public LockedChoice? ChoiceOf(OptimizationRequest request) => LockedChoice.Of(file.Find(request.Name, request.Target), request);

    /// <summary>What a search for the same begins with, whatever the settings are now: a beginning must still prove itself. A model that was trained again begins with the kinds and shares that its predecessor had.</summary>
    /// <param name="request">With its inputs.</param>
    public PinnedRecipe? StartOf(OptimizationRequest request) => LockedChoice.StartOf(file.Find(request.Name, request.Target), request);
}
