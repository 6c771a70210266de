using Microsoft.Build.Logging.StructuredLogger;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>What one dotnet command did: its exit code, its text and, through the binary log, its targets and diagnostics.</summary>
internal sealed class BuildOutcome(int exitCode, string output, string binlog)
{
    private readonly Lazy<Build> _build = new(() => BinaryLog.ReadBuild(binlog));

    public int ExitCode { get; } = exitCode;

    public string Output { get; } = output;

    public IReadOnlyList<Error> Errors => _build.Value.FindChildrenRecursive<Error>();

    public IReadOnlyList<Warning> Warnings => _build.Value.FindChildrenRecursive<Warning>();

    /// <summary>Texts of messages of every importance.</summary>
    public IReadOnlyList<string> Messages => [.. _build.Value.FindChildrenRecursive<Message>().Select(message => message.Text)];

    /// <summary>What the console showed.</summary>
    public string[] Lines => Output.Split('\n');

    public string[] ErrorCodes => [.. Errors.Select(error => error.Code).Distinct()];

    public string[] WarningCodes => [.. Warnings.Select(warning => warning.Code).Distinct()];

    public string[] EmbeddedFiles => [.. _build.Value.SourceFiles.Select(file => file.FullPath)];

    /// <summary>How often a task ran.</summary>
    public int TaskRuns(string task) => _build.Value.FindChildrenRecursive<Microsoft.Build.Logging.StructuredLogger.Task>().Count(node => node.Name == task);

    public BuildOutcome ShouldSucceed()
    {
        Assert.AreEqual(0, ExitCode, Output);
        return this;
    }

    public BuildOutcome ShouldFailWith(params string[] codes)
    {
        Assert.AreNotEqual(0, ExitCode, Output);
        CollectionAssert.AreEquivalent(codes, ErrorCodes, Output);
        Assert.DoesNotContain("   at ModelBuildTasks.", Output, "There is a stack trace.");
        return this;
    }
}
