using System.CommandLine;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild build</c>: what the MSBuild task runs. Requests in, results out, as files; the console is for people.</summary>
internal static class BuildCommand
{
    internal static Command Create()
    {
        Argument<FileInfo[]> requests = new("requests") { Description = "Request files, as the build writes them.", Arity = ArgumentArity.OneOrMore };
        Command command = new("build", "Carry out the requests of a build.") { requests };
        command.Hidden = true;
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(parsed.GetRequiredValue(requests), cancellation)));
        return command;
    }

    private static int Run(FileInfo[] requests, CancellationToken cancellation)
    {
        foreach (FileInfo file in requests)
        {
            OptimizationRequest request = OptimizationRequest.Read(file.FullName);
            OptimizationResult result = ConsoleProgress.Show(
                $"{request.Name} ({request.Target})", progress => new OptimizationPipeline(progress).Run(request, cancellation));
            result.Write(request.ResultPath);
        }

        return ModelCommand.Succeeded;
    }
}
