using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Commands;
using ModelBuildTasks.Worker.Processes;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// An artifact in the very release of ONNX Runtime that the project references: what a version table says of operators and formats is proven by loading and running it there, where that
/// release is in the package folder.
/// </summary>
internal static class ReleaseTrial
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>The native library of the referenced package for this machine; null where the package has none, or is not on this machine.</summary>
    internal static string? Library(AppRuntime? runtime)
    {
        if (runtime is not { Folder: { } folder })
        {
            return null;
        }

        string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        string file = OperatingSystem.IsWindows() ? "onnxruntime.dll" : OperatingSystem.IsMacOS() ? "libonnxruntime.dylib" : "libonnxruntime.so";
        string path = Path.Combine(folder, "runtimes", $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}", "native", file);
        return File.Exists(path) ? path : null;
    }

    /// <param name="runtime">The package that the project references.</param>
    /// <param name="library">Its native library.</param>
    /// <param name="artifactPath">The artifact.</param>
    /// <param name="inputs">One tensor for each input.</param>
    /// <param name="expected">What the artifact gives for them in this program's own release.</param>
    /// <param name="cancellation">Stops the trial.</param>
    /// <exception cref="IOException">The temporary folder has no room for the tensors.</exception>
    internal static TrialResult Check(
        AppRuntime runtime, string library, string artifactPath, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> expected, CancellationToken cancellation) =>
        Check(runtime, library, artifactPath, inputs, expected, Limit, cancellation);

    internal static TrialResult Check(
        AppRuntime runtime, string library, string artifactPath, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> expected, TimeSpan limit, CancellationToken cancellation)
    {
        string release = $"ONNX Runtime {runtime.Version}, which the project references,";
        string folder = Directory.CreateTempSubdirectory("modelbuild-").FullName;
        try
        {
            (string samples, string outputs) = (Path.Combine(folder, "samples"), Path.Combine(folder, "outputs"));
            SampleFile.Write(samples, [inputs]);
            ProgramRun run = ProgramRun.Of(TryCommand.Name, [artifactPath, library, samples, outputs], limit, cancellation);
            return run switch
            {
                { Failure: null } => new TrialResult(Difference(SampleFile.Read(outputs)[0], expected, release), null),
                { ExitCode: TryCommand.Refused } => new TrialResult($"{release} can't run it: {run.Error}", null),
                { ExitCode: null or ModelCommand.Failed } => new TrialResult(null, $"the process that runs it there {run.Failure}"),
                _ => new TrialResult($"{release} can't run it: its process {run.Failure}", null),
            };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string? Difference(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> expected, string release)
    {
        for (int i = 0; i < expected.Count; i++)
        {
            if (!outputs[i].Dimensions.SequenceEqual(expected[i].Dimensions))
            {
                return $"{release} gives output {i} the shape {outputs[i]} instead of {expected[i]}";
            }
        }

        return Verification.FirstUnlike(outputs, expected) is var (output, likeness)
            ? FormattableString.Invariant($"{release} gives another output {output}: its cosine to what the newest release gives is {likeness:0.000}")
            : null;
    }
}

/// <summary>What became of a trial.</summary>
/// <param name="Refusal">Why the artifact is not fit for the release, as a clause; null when it is, or was not tried.</param>
/// <param name="Untried">Why it was not tried after all, as a clause: that is no fault of the model's. Null when it was.</param>
internal readonly record struct TrialResult(string? Refusal, string? Untried);
