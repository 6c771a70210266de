using System.Runtime.InteropServices;
using Microsoft.Win32;

namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>The processor that timings belong to.</summary>
public static class Processor
{
    /// <summary>Its name as the operating system gives it, with the core count, such as "AMD EPYC (2 cores)".</summary>
    public static string Name { get; } = $"{Model() ?? RuntimeInformation.ProcessArchitecture.ToString()} ({Environment.ProcessorCount} cores)";

    private static string? Model()
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                return Registry.GetValue(@"HKEY_LOCAL_MACHINE\HARDWARE\DESCRIPTION\System\CentralProcessor\0", "ProcessorNameString", null) as string;
            }

            return File.Exists("/proc/cpuinfo")
                ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or System.Security.SecurityException)
        {
            return null;
        }
    }
}
