using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>The built program, run as users and builds run it: <c>dotnet exec modelbuild.dll …</c>, its output redirected.</summary>
internal sealed record ModelBuildProcess(int ExitCode, string Output, string Errors)
{
    /// <summary>The program stands beside the tests, as a reference of theirs.</summary>
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "modelbuild.dll");

    internal IReadOnlyList<string> Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    internal static Task<ModelBuildProcess> Run(CancellationToken cancellation, params IEnumerable<string> arguments) => RunIn([], cancellation, arguments);

    /// <param name="cores">The processors that the program sees.</param>
    internal static Task<ModelBuildProcess> RunOn(int cores, CancellationToken cancellation, params IEnumerable<string> arguments) =>
        RunIn(new() { ["DOTNET_PROCESSOR_COUNT"] = cores.ToString(CultureInfo.InvariantCulture) }, cancellation, arguments);

    /// <param name="environment">Variables to set; null removes one.</param>
    internal static async Task<ModelBuildProcess> RunIn(Dictionary<string, string?> environment, CancellationToken cancellation, params IEnumerable<string> arguments)
    {
        using Process process = Start(environment, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellation);
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellation);
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return new ModelBuildProcess(process.ExitCode, await output, await errors);
    }

    internal static Process Start(params IEnumerable<string> arguments) => Start([], arguments);

    private static Process Start(Dictionary<string, string?> environment, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        // Spectre.Console turns colors on where it sees a build server that shows them.
        start.Environment["GITHUB_ACTIONS"] = "true";
        foreach ((string name, string? value) in environment)
        {
            start.Environment[name] = value;
        }

        foreach (string argument in (string[])["exec", Program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    /// <summary>Holds what every use of the program promises: no escape sequences, and no stack trace.</summary>
    internal ModelBuildProcess AssertPlain()
    {
        Assert.DoesNotContain('\u001b', Output + Errors);
        Assert.DoesNotContain("   at ModelBuildTasks", Output + Errors);
        return this;
    }

    /// <summary>One coded line on standard error, as MSBuild and editors read it.</summary>
    internal void AssertFailsWith(string code, string file)
    {
        AssertPlain();
        Assert.AreNotEqual(0, ExitCode);
        string line = Errors.Split('\n').First(line => line.Contains(": error MBT", StringComparison.Ordinal));
        StringAssert.StartsWith(line, $"{file}: error {code}: ");
    }
}
