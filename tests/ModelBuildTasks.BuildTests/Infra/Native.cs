using System.Diagnostics;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>Runs a program that needs no dotnet.</summary>
internal static class Native
{
    /// <summary>Whether PATH has one of the linkers that Native AOT calls.</summary>
    public static bool HasLinker => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, "clang")) || File.Exists(Path.Combine(folder, "gcc")));

    public static string Run(string path)
    {
        using var process = Process.Start(new ProcessStartInfo(path) { RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, output);
        return output.Trim();
    }
}
