using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ModelBuildTasks.Worker.Measuring;

/// <summary>The most memory that this process has had at any time.</summary>
internal static partial class PeakWorkingSet
{
    /// <summary>Of <c>struct rusage</c> in words of 8 bytes: two times of two words each, and then ru_maxrss; the whole has 18 words.</summary>
    private const int ResourceUsageWords = 18;
    private const int PeakWord = 4;
    private const int Self = 0;

    /// <summary>Bytes. Linux and Windows keep it for each process; on macOS .NET does not know it.</summary>
    internal static long Bytes()
    {
        if (OperatingSystem.IsMacOS())
        {
            Span<long> usage = stackalloc long[ResourceUsageWords];
            return GetResourceUsage(Self, usage) == 0 ? usage[PeakWord] : throw new InvalidOperationException("getrusage failed.");
        }

        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    /// <summary>Makes the present the peak, where the system can do that, so that what startup needed hides nothing.</summary>
    internal static void Reset()
    {
        const string peak = "5"; // proc(5), /proc/pid/clear_refs
        try
        {
            if (OperatingSystem.IsLinux())
            {
                File.WriteAllText("/proc/self/clear_refs", peak);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A container may forbid it; the peak of startup is little above the present.
        }
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetResourceUsage(int who, Span<long> usage);
}
