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

    /// <summary>The real worker that a build in <paramref name="folder"/> started, once there is a staged file of its.</summary>
    public static Process WaitForWorkerThatWrites(string folder, Process build)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("Command lines of other processes are read from /proc, which Linux has.");
        }

        var waited = Stopwatch.StartNew();
        var obj = Path.Combine(folder, "obj");
        while (!Directory.Exists(obj) || Directory.GetFiles(obj, "*.staged", SearchOption.AllDirectories).Length == 0)
        {
            Assert.IsTrue(waited.Elapsed < s_longestStart && !build.HasExited, "The worker wrote nothing.");
            Thread.Sleep(TimeSpan.FromMilliseconds(20));
        }

        return Process.GetProcesses().Single(process => CommandLine(process) is var line && line.Contains("modelbuild.dll", StringComparison.Ordinal) && line.Contains(folder, StringComparison.Ordinal));
    }

    private static string CommandLine(Process process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/cmdline");
        }
        catch (IOException)
        {
            // It has ended.
            return "";
        }
    }

    public static void ShouldEnd(this Process process) => Assert.IsTrue(process.WaitForExit(s_longestEnd), "The process is still there.");
}
