using System.Diagnostics;
using System.Text;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>Runs the dotnet command as a user's shell would: without what the build that runs the tests left in the environment.</summary>
internal static class DotNet
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(10);

    /// <summary>Full path of the dotnet that PATH finds, symbolic links followed.</summary>
    public static string HostPath
    {
        get
        {
            var file = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
                .Select(folder => new FileInfo(Path.Combine(folder, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"))).First(file => file.Exists);
            return (file.ResolveLinkTarget(returnFinalTarget: true) ?? file).FullName;
        }
    }

    public static (int ExitCode, string Output) Run(string folder, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using var process = Start(folder, environment, arguments);
        return Finish(process);
    }

    public static Process Start(string folder, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || name is "DOTNET_HOST_PATH" or "CI").ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment.Concat(CompilerServer.Variables))
        {
            start.Environment[name] = value;
        }

        // A node that stays would keep this test's package and folder open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";

        return Process.Start(start)!;
    }

    /// <summary>Waits for the end, and reads what the process printed.</summary>
    public static (int ExitCode, string Output) Finish(Process process)
    {
        var output = new StringBuilder();
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(s_longest))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"dotnet {string.Join(' ', process.StartInfo.ArgumentList)} did not end within {s_longest}.\n{output}");
        }

        process.WaitForExit();
        return (process.ExitCode, output.ToString());

        void Append(string? line)
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        }
    }
}
