using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>What the processor calls itself and which kernels it runs, so that latencies and roundings can be told apart.</summary>
public static class ProcessorName
{
    private const string Unnamed = "unnamed processor";

    /// <summary>
    /// What ONNX Runtime's kernels for x64 are chosen by (MLAS, platform.cpp), as /proc/cpuinfo names it. Virtual machines hide it from the
    /// name: "AMD EPYC" and "Intel(R) Xeon(R) Processor" are processors with and without AVX-512.
    /// </summary>
    private static readonly string[] s_instructionSets = ["avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8"];

    /// <summary>Name, instruction sets and architecture; not the number of processors, which is what the build lends and no part of a latency on one thread.</summary>
    public static string Current { get; } =
        $"{FromLinux() ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? Unnamed} ({RuntimeInformation.ProcessArchitecture})";

    /// <summary>Whether two of these are the same kind of processor; what has no name is never known to be.</summary>
    public static bool AreSame(string? one, string? other) => one is not null && one == other && !one.StartsWith(Unnamed, StringComparison.Ordinal);

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

    /// <summary>The <c>model name</c> of the first processor in /proc/cpuinfo with those of its <c>flags</c> that matter; arm64 kernels give no name but the designer's number and the core's.</summary>
    internal static string? Find(IEnumerable<string> lines)
    {
        var first = lines.TakeWhile(line => line.Length > 0).ToList();
        if (Value(first, "model name") is not { } name)
        {
            return Value(first, "CPU implementer") is { } designer && Value(first, "CPU part") is { } part ? $"implementer {designer} part {part}" : null;
        }

        var flags = (Value(first, "flags") ?? "").Split(' ');
        var kernels = s_instructionSets.Where(set => flags.Contains(set)).ToList();
        return kernels.Count == 0 ? name : $"{name} with {string.Join(", ", kernels)}";
    }

    private static string? Value(IEnumerable<string> lines, string key) =>
        lines.Where(line => line.StartsWith(key, StringComparison.Ordinal)).Select(line => line.Substring(line.IndexOf(':') + 1).Trim()).FirstOrDefault();
}
