using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion.Releases;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Benchmarks;

/// <summary>The oldest release of ONNX Runtime that reads an artifact, by the tables, and whether its own library runs it.</summary>
internal static class OldestRelease
{
    /// <summary>A release of each row of <see cref="RuntimeRelease"/>, and those since when a form of packed weights has kernels, as npm has them.</summary>
    private static readonly string[] Versions = ["1.14.0", "1.15.1", "1.17.3", "1.18.0", "1.19.2", "1.21.0", "1.22.0", "1.23.2", "1.24.3", "1.25.1"];

    /// <returns>The version, the first whose own library runs the artifact where that was tried; what is before it and refuses it, or dies of it, though it reads it is named.</returns>
    internal static string Of(string artifact, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> outputs)
    {
        List<string> failed = [];
        foreach (string version in Versions)
        {
            Model model = Model.Load(artifact);
            if (ReleaseFit.Apply(model, RuntimeRelease.Find(version)!).Refusal is not null)
            {
                continue;
            }

            string fitted = artifact + ".fitted";
            model.Save(fitted);
            string release = version[..version.LastIndexOf('.')];
            if (Runs(version, fitted, inputs, outputs) is not { } runs)
            {
                return $"{release} (by table)";
            }

            if (runs)
            {
                return failed.Count == 0 ? release : $"{release} (not {string.Join(", ", failed)})";
            }

            failed.Add(release);
        }

        return "none";
    }

    /// <returns>Null where the release can't be had.</returns>
    private static bool? Runs(string version, string artifact, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> outputs)
    {
        try
        {
            AppRuntime runtime = new() { Package = "Microsoft.ML.OnnxRuntime", Version = version, Folder = NpmRuntimes.Folder(version) };
            return ReleaseTrial.Library(runtime) is { } library && ReleaseTrial.Check(runtime, library, artifact, inputs, outputs, CancellationToken.None) is { Untried: null, Refusal: var refusal } ? refusal is null : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
