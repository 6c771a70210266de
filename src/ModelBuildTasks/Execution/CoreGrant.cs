using System;
using Microsoft.Build.Framework;

namespace ModelBuildTasks.Execution;

/// <summary>
/// Cores that MSBuild lends to one task, so that workers and compilers that run at once do not each take the whole machine
/// (https://github.com/dotnet/msbuild/blob/main/documentation/specs/resource-management.md). Disposing gives them back.
/// </summary>
internal sealed class CoreGrant : IDisposable
{
    private readonly IBuildEngine9? _lender;

    private CoreGrant(IBuildEngine9? lender, int count)
    {
        _lender = lender;
        Count = count;
    }

    /// <summary>How many, at least 1.</summary>
    public int Count { get; }

    /// <param name="wanted">How many the work could use, at least 1. MSBuild lends fewer rather than let the task wait.</param>
    public static CoreGrant Request(IBuildEngine engine, int wanted)
    {
        try
        {
            return engine is IBuildEngine9 lender ? new CoreGrant(lender, lender.RequestCores(wanted)) : new CoreGrant(null, wanted);
        }
        catch (NotImplementedException)
        {
            // A process that runs one task only has no scheduler to ask.
            return new CoreGrant(null, wanted);
        }
    }

    public void Dispose() => _lender?.ReleaseCores(Count);
}
