using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Commands;

/// <summary>What every command about one model does with faults: a coded line on standard error, and exit code 1.</summary>
internal static class ModelCommand
{
    internal const int Succeeded = 0;
    internal const int Failed = 1;

    /// <summary>What shells say of a program that Ctrl+C ended: 128 and the number of SIGINT.</summary>
    internal const int Interrupted = 128 + 2;

    internal static int Run(string modelPath, Func<string, int> action)
    {
        try
        {
            if (!File.Exists(modelPath))
            {
                return Report([Diagnostic.Create(DiagnosticCatalogue.ModelNotFound, modelPath, modelPath)]);
            }

            return action(modelPath);
        }
        catch (ModelFormatException fault)
        {
            return Report([FaultDiagnostics.Of(fault, modelPath)]);
        }
        catch (InferenceException fault)
        {
            return Report([FaultDiagnostics.Of(fault, modelPath)]);
        }
        catch (DatasetException fault)
        {
            return Report([FaultDiagnostics.Of(fault)]);
        }
    }

    /// <summary>Starts a command's work on another thread: System.CommandLine listens for Ctrl+C and SIGTERM only once it holds the task.</summary>
    internal static Task<int> Start(Func<int> work, CancellationToken cancellation) => Task.Run(work, cancellation);

    /// <summary>Writes a result file.</summary>
    /// <returns>The exit code.</returns>
    internal static int Write(OptimizationResult result, string path)
    {
        try
        {
            result.Write(path);
            return Succeeded;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return Report([FaultDiagnostics.CannotWrite(fault, path)]);
        }
    }

    /// <summary>Prints each diagnostic on standard error.</summary>
    /// <returns>The exit code: failed when one of them is an error.</returns>
    internal static int Report(IEnumerable<Diagnostic> diagnostics)
    {
        int exitCode = Succeeded;
        foreach (Diagnostic diagnostic in diagnostics)
        {
            Console.Error.WriteLine(diagnostic);
            exitCode = diagnostic.Severity == DiagnosticSeverity.Error ? Failed : exitCode;
        }

        return exitCode;
    }
}
