using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace ModelBuildTasks.Worker.Reporting.History;

/// <summary>Asks git, which may be missing, refuse, or hang on a network file system.</summary>
internal static class Git
{
    /// <summary>As much as is read of an answer.</summary>
    private const int LongestAnswer = 8 << 20;

    /// <param name="folder">The folder to ask in.</param>
    /// <param name="arguments">A command and its arguments, each as it is.</param>
    /// <param name="patience">Cancelled when there is no more time to wait.</param>
    /// <returns>What git wrote; null where it did not succeed, in time or within the length.</returns>
    internal static string? Run(string folder, IEnumerable<string> arguments, CancellationToken patience)
    {
        if (Program() is not { } program)
        {
            return null;
        }

        // Nothing is fetched, locked, asked or paged for a report, and names are names and not patterns.
        ProcessStartInfo start = new(program, ["--no-pager", "--no-optional-locks", "--literal-pathspecs", .. arguments])
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        start.Environment["GIT_NO_LAZY_FETCH"] = "1";
        try
        {
            using Process git = Process.Start(start)!;
            try
            {
                git.StandardInput.Close();
                git.ErrorDataReceived += (_, _) => { };
                git.BeginErrorReadLine();
                string? answer = Read(git.StandardOutput, patience).GetAwaiter().GetResult();
                git.WaitForExitAsync(patience).GetAwaiter().GetResult();
                return git.ExitCode == 0 ? answer : null;
            }
            finally
            {
                if (!git.HasExited)
                {
                    git.Kill(entireProcessTree: true);
                }
            }
        }
        catch (Exception fault) when (fault is Win32Exception or IOException or OperationCanceledException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>On PATH only: by its name alone, a process would be looked for in the current folder first, which may be a stranger's repository.</summary>
    private static string? Program() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Where(Path.IsPathFullyQualified).Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "git.exe" : "git")).FirstOrDefault(File.Exists);

    private static async Task<string?> Read(StreamReader output, CancellationToken cancellation)
    {
        StringBuilder text = new();
        char[] buffer = new char[1 << 14];
        while (await output.ReadAsync(buffer, cancellation) is > 0 and var count)
        {
            if (text.Append(buffer, 0, count).Length > LongestAnswer)
            {
                throw new IOException("git said more than a lock file and its commits can be.");
            }
        }

        return text.ToString();
    }
}
