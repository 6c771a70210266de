using System.Diagnostics;
using ModelBuildTasks.Worker.Processes;

namespace ModelBuildTasks.Worker.Tests.Processes;

[TestClass]
public sealed class ProgramRunTests
{
    public required TestContext TestContext { get; init; }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void A_process_that_left_its_output_to_another_is_not_waited_for_longer_than_the_limit()
    {
        ProgramRun run = ProgramRun.Of(Shell("sleep 300 & exit 0"), TimeSpan.FromSeconds(2), TestContext.CancellationToken);

        Assert.IsNull(run.ExitCode);
        Assert.AreEqual("did not end within 2s", run.Failure);
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void What_a_process_wrote_to_standard_error_before_it_failed_is_told()
    {
        ProgramRun run = ProgramRun.Of(Shell("echo no disk >&2; exit 3"), TimeSpan.FromMinutes(1), TestContext.CancellationToken);

        Assert.AreEqual(3, run.ExitCode);
        Assert.AreEqual("no disk", run.Error);
    }

    [TestMethod]
    public void A_program_that_is_not_there_is_a_failure_without_exit_code()
    {
        ProcessStartInfo start = new(Path.Combine(Path.GetTempPath(), "no such program")) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };

        ProgramRun run = ProgramRun.Of(start, TimeSpan.FromMinutes(1), TestContext.CancellationToken);

        Assert.IsNull(run.ExitCode);
        StringAssert.StartsWith(run.Failure, "could not be started: ");
    }

    private static ProcessStartInfo Shell(string script) => new("/bin/sh", ["-c", script]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
}
