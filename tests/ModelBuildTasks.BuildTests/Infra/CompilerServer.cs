namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>
/// One compiler server for all builds of the run, whatever the environment says: a compiler that starts cold is half the time of a
/// small app's build. It has a pipe of its own, so that stopping it leaves the developer's server alone.
/// </summary>
internal static class CompilerServer
{
    private static readonly string s_pipe = $"modelbuild-tests-{Environment.ProcessId}";

    /// <summary>What makes a build use the server, and start it when it isn't there: MSBuild reads environment variables as properties.</summary>
    public static IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>
    {
        ["UseSharedCompilation"] = "true",
        ["SharedCompilationId"] = s_pipe,
    };

    public static void Stop()
    {
        var outside = Path.GetTempPath();
        var (_, version) = DotNet.Run(outside, Variables, "--version");
        DotNet.Run(outside, Variables,
            Path.Combine(Path.GetDirectoryName(DotNet.HostPath)!, "sdk", version.Trim(), "Roslyn", "bincore", "VBCSCompiler.dll"), "-shutdown", $"-pipename:{s_pipe}");
    }
}
