using System.Diagnostics;
using System.Globalization;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Memory that belongs to this process alone. The peak that Linux keeps (VmHWM) will not do here: it counts the pages of mapped
/// files, which are the page cache's. Anonymous pages (RssAnon) are the ones that must be found somewhere, so they are sampled.
/// </summary>
internal static class PrivateMemory
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    /// <summary>The most bytes that a sample found while <paramref name="work"/> ran, those from before it included.</summary>
    internal static long PeakDuring(Action work)
    {
        long peak = 0;
        using CancellationTokenSource done = new();
        Thread sampler = new(() =>
        {
            do
            {
                peak = Math.Max(peak, Now());
            }
            while (!done.Token.WaitHandle.WaitOne(Interval));
        });
        sampler.Start();
        try
        {
            work();
        }
        finally
        {
            done.Cancel();
            sampler.Join();
        }

        return peak;
    }

    private static long Now()
    {
        if (!OperatingSystem.IsLinux())
        {
            using Process self = Process.GetCurrentProcess();
            return self.PrivateMemorySize64;
        }

        const string Field = "RssAnon:";
        string line = File.ReadLines("/proc/self/status").First(text => text.StartsWith(Field, StringComparison.Ordinal));
        return 1024 * long.Parse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
    }
}
