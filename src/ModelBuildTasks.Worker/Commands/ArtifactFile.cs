using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Commands;

/// <summary>An artifact that a user names: itself, plain or compressed, or the result file of the build that made it.</summary>
/// <param name="Path">The artifact as it ships.</param>
/// <param name="ModelPath">The model, restored where the artifact is compressed.</param>
/// <param name="ResultPath">The result file that was named or lies beside the artifact; null when there is none.</param>
internal sealed record ArtifactFile(string Path, string ModelPath, string? ResultPath)
{
    /// <summary>What commands say of such an argument.</summary>
    internal const string Help = "The ONNX model, plain or compressed (.onnx.br), or the result file (.json) of a build or of 'optimize --json'.";

    /// <summary>Runs a command on what is named; a compressed artifact is restored for as long as it lasts.</summary>
    /// <returns>The exit code.</returns>
    internal static int Run(string path, Func<ArtifactFile, int> action)
    {
        if (!File.Exists(path) || !path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            return ModelCommand.Run(path, artifact => Run(artifact, BesideArtifact(artifact), action));
        }

        try
        {
            OptimizationResult result = OptimizationResult.Read(path);
            return result.ArtifactPath is { } artifact
                ? ModelCommand.Run(artifact, file => Run(file, path, action))
                : ModelCommand.Report(result.Diagnostics);
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return ModelCommand.Report([FaultDiagnostics.OfResult(fault, path)]);
        }
    }

    /// <summary>The result in the file; null when there is none, it cannot be read, or is that of another artifact, which standard error then tells.</summary>
    /// <param name="consequence">What is done without it, as a clause.</param>
    internal OptimizationResult? ReadResult(string consequence)
    {
        if (ResultPath is null)
        {
            return null;
        }

        try
        {
            OptimizationResult result = OptimizationResult.Read(ResultPath);
            if (result.ArtifactSha256 == ContentDigest.OfFile(Path))
            {
                return result;
            }

            Console.Error.WriteLine($"'{ResultPath}' tells of another artifact than '{Path}'; {consequence}.");
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"'{ResultPath}' cannot be read, so {consequence}: {FaultDiagnostics.ResultReason(fault)}.");
        }

        return null;
    }

    private static int Run(string path, string? resultPath, Func<ArtifactFile, int> action) => ShippedModel.Use(path, model => action(new ArtifactFile(path, model, resultPath)));

    /// <summary>Where a build puts the result of an artifact; null when none is there.</summary>
    private static string? BesideArtifact(string artifact) => System.IO.Path.ChangeExtension(ShippedModel.Plain(artifact), ".result.json") is var path && File.Exists(path) ? path : null;
}
