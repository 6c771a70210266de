using System;
using System.IO;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Items;

/// <summary>The processors that absolute limits of latency were set on, from the lock file.</summary>
internal sealed class LatencyLimits(ModelLock file)
{
    /// <returns>Null without a lock file, and where it can't be read, which CompareModelLock says.</returns>
    public static LatencyLimits? Read(string lockFile)
    {
        try
        {
            return File.Exists(lockFile) ? new LatencyLimits(ModelLock.Read(lockFile)) : null;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <returns>Null where the limit is not locked, is another one, or was set on the kind of processor that this is: a request says nothing that the build machine knows itself.</returns>
    public string? ProcessorOf(OptimizationRequest request) =>
        file.Find(request.Name, request.Target)?.MaxLatency is { Processor: { } processor } limit && limit.Milliseconds == request.Budgets.MaxLatencyMilliseconds
        && !ProcessorName.AreSame(processor, ProcessorName.Current)
            ? processor : null;
}
