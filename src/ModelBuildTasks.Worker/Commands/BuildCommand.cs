using System.CommandLine;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild build</c>: what the MSBuild task runs. Requests in, results out, as files; the console is for people.</summary>
internal static class BuildCommand
{
    internal static Command Create()
    {
        Argument<FileInfo[]> requests = new("requests") { Description = "Request files, as the build writes them.", Arity = ArgumentArity.OneOrMore };
        Option<int?> parent = new("--parent") { Description = "The process to end with." };
        Command command = new("build", "Carry out the requests of a build.") { requests, parent };
        command.Hidden = true;
        command.SetAction((parsed, cancellation) => ModelCommand.Start(() => Run(parsed.GetRequiredValue(requests), parsed.GetValue(parent), cancellation), cancellation));
        return command;
    }

    private static int Run(FileInfo[] requests, int? parent, CancellationToken cancellation)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, parent is { } id ? ParentProcess.Gone(id) : default);
        try
        {
            return Run(requests, end.Token);
        }
        catch (OperationCanceledException)
        {
            return ModelCommand.Interrupted;
        }
    }

    private static int Run(FileInfo[] requests, CancellationToken cancellation)
    {
        int exitCode = ModelCommand.Succeeded;
        foreach (FileInfo file in requests)
        {
            // One request that fails says nothing of the others: each that can have a result gets it.
            exitCode = Math.Max(exitCode, CarryOut(file.FullName, cancellation));
        }

        return exitCode;
    }

    private static int CarryOut(string path, CancellationToken cancellation)
    {
        OptimizationRequest request;
        try
        {
            request = OptimizationRequest.Read(path);
            request.RemoteCache = Environment.GetEnvironmentVariable(RemoteCacheAddress.Variable);
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.WorkerFailed, path, "the request cannot be read", fault.Message)]);
        }

        try
        {
            OptimizationResult result = ConsoleProgress.Show(
                $"{request.Name} ({request.Target})", progress => new OptimizationPipeline(progress).Run(request, cancellation));
            return ModelCommand.Write(result, request.ResultPath);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            // A bug of ours; where it happened is what its report needs.
            return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.WorkerFailed, request.ModelPath, fault.Message.TrimEnd('.'), fault)]);
        }
    }
}
