using System.CommandLine;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting.Files;
using ModelBuildTasks.Worker.Reporting.History;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild report</c>: result files as a page for people, and as files for CI. Nothing is measured again.</summary>
internal static class ReportCommand
{
    internal static Command Create()
    {
        Argument<FileInfo[]> results = new("results") { Description = "Result files (.json) of builds or of 'optimize --json'.", Arity = ArgumentArity.OneOrMore };
        Option<DirectoryInfo> output = new("--output", "-o") { Description = "The folder to write models.html, .json, .md, .sarif and .junit.xml to.", Required = true };
        Option<FileInfo?> lockFile = new("--lock") { Description = "The project's models.lock.json, with which the results are compared, and whose earlier commits the page tells as history (see docs/LOCK.md)." };
        Option<bool> locked = new("--locked") { Description = "The build is locked: the lock file must be up to date." };
        Option<string> buildCommand = new("--build-command") { Description = "What builds the project, for the command that updates its lock file.", DefaultValueFactory = _ => LockFindings.BuildCommand("", "") };
        Command command = new("report", "Write what results tell of models as a page, and as files for CI (see docs/REPORT.md).") { results, output, lockFile, locked, buildCommand };
        command.Validators.Add(result =>
        {
            if (result.GetValue(locked) && result.GetValue(lockFile) is null)
            {
                result.AddError("--locked says that a lock file must be up to date; --lock names it.");
            }
        });
        command.SetAction(parsed =>
        {
            string? path = parsed.GetValue(lockFile)?.FullName;
            LockCheck? check = path is null ? null : new LockCheck(path, parsed.GetRequiredValue(buildCommand), parsed.GetValue(locked));
            return Run(parsed.GetRequiredValue(results), parsed.GetRequiredValue(output).FullName, path, check);
        });
        return command;
    }

    private static int Run(IEnumerable<FileInfo> results, string folder, string? lockFile, LockCheck? check)
    {
        List<ReportedModel> models = [];
        foreach (string path in results.Select(file => file.FullName).Distinct())
        {
            try
            {
                models.Add(ReportedModel.Read(path, check));
            }
            catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                return ModelCommand.Report([FaultDiagnostics.OfResult(fault, path)]);
            }
        }

        try
        {
            ModelReport report = ModelReport.Of(models, lockFile is null ? null : LockHistory.Read(lockFile));
            string page = report.Write(folder);
            Console.Out.WriteLine($"{report.Summary}.");
            Console.Out.WriteLine($"Written: {page}");
            return ModelCommand.Succeeded;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return ModelCommand.Report([FaultDiagnostics.CannotWrite(fault, folder)]);
        }
    }
}
