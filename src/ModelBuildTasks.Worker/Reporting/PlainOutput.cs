using Spectre.Console;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>Output for build logs and pipes: one line stays one line.</summary>
internal static class PlainOutput
{
    /// <summary>Wider than any line; Spectre.Console takes 80 columns where there is no terminal, and wraps.</summary>
    private const int Columns = 1 << 15;

    internal static void UseWhenRedirected()
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = Columns;
        }
    }
}
