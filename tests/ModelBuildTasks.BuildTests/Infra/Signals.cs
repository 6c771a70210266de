using System.Diagnostics;
using System.Globalization;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>What a terminal or an operator sends to processes.</summary>
internal static class Signals
{
    private static readonly TimeSpan s_longestStart = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_longestEnd = TimeSpan.FromSeconds(30);

    /// <param name="signal">"INT", "TERM" or "KILL".</param>
    public static void Send(string signal, params Process[] processes)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows has no signal that a test could send.");
        }

        // In one call, as a terminal does it.
        using var kill = Process.Start("kill", ["-s", signal, .. processes.Select(process => process.Id.ToString(CultureInfo.InvariantCulture))]);
        kill.WaitForExit();
    }

    /// <summary>The process whose id <paramref name="file"/> will hold.</summary>
    public static Process WaitFor(string file, Process build)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            if (File.Exists(file) && File.ReadAllText(file) is { Length: > 0 } id)
            {
                return Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture));
            }

            Assert.IsTrue(waited.Elapsed < s_longestStart && !build.HasExited, "The worker never started.");
            Thread.Sleep(TimeSpan.FromMilliseconds(100));
        }
    }

    public static void ShouldEnd(this Process process) => Assert.IsTrue(process.WaitForExit(s_longestEnd), "The process is still there.");
}
