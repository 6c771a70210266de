using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>What the processor calls itself, so that absolute latencies can be told apart.</summary>
public static class ProcessorName
{
    /// <summary>Name and architecture; not the number of processors, which is what the build lends and no part of a latency on one thread.</summary>
    public static string Current { get; } =
        $"{FromLinux() ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "unnamed processor"} ({RuntimeInformation.ProcessArchitecture})";

    private static string? FromLinux()
    {
        try
        {
            return RuntimeInformation.IsOSPlatform(OSPlatform.Linux) ? Find(File.ReadLines("/proc/cpuinfo")) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The first <c>model name</c> of /proc/cpuinfo; arm64 kernels give none.</summary>
    internal static string? Find(IEnumerable<string> lines) =>
        lines.Where(line => line.StartsWith("model name", StringComparison.Ordinal))
            .Select(line => line.Substring(line.IndexOf(':') + 1).Trim())
            .FirstOrDefault();
}
