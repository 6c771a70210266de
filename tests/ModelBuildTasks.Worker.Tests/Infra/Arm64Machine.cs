using System.Diagnostics;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Commands;
using ModelBuildTasks.Worker.Processes;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>ONNX Runtime's build for ARM64 under emulation: the program itself, published for linux-arm64.</summary>
internal static class Arm64Machine
{
    private static readonly Lazy<string> Published = new(Publish);

    /// <summary>Runs a model there; outputs for each sample, in the model's order.</summary>
    internal static IReadOnlyList<Tensor>[] Run(string modelPath, IReadOnlyList<IReadOnlyList<Tensor>> samples)
    {
        Arm64Emulator.Require();
        string folder = Directory.CreateTempSubdirectory("modelbuild-arm64-").FullName;
        try
        {
            (string inputs, string outputs) = (Path.Combine(folder, "samples"), Path.Combine(folder, "outputs"));
            SampleFile.Write(inputs, samples);
            Arm64Emulator.Run(Path.Combine(Published.Value, "modelbuild"), TryCommand.Name, modelPath, Path.Combine(Published.Value, "libonnxruntime.so"), inputs, outputs);
            return [.. SampleFile.Read(outputs)];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Removes what was published.</summary>
    internal static void Clean()
    {
        if (Published.IsValueCreated)
        {
            Directory.Delete(Path.GetDirectoryName(Published.Value)!, recursive: true);
        }
    }

    private static string Publish()
    {
        string folder = Directory.CreateTempSubdirectory("modelbuild-arm64-worker-").FullName;
        string output = Path.Combine(folder, "published");
        // Artifacts of its own: what builds the tests' program at the same time must not find another restore.
        ProcessStartInfo start = new("dotnet",
        [
            "publish", Repository.File("src/ModelBuildTasks.Worker"), "-r", "linux-arm64", "--self-contained", "-c", "Release", "-o", output,
            "--artifacts-path", Path.Combine(folder, "artifacts"), "-v", "q", "-tl:off",
        ])
        {
            RedirectStandardOutput = true,
        };
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        using Process process = Process.Start(start)!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, said);
        return output;
    }
}
