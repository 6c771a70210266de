using System.Diagnostics;
using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>
/// Older releases of ONNX Runtime, in the layout of their NuGet packages. The native library comes from npm's onnxruntime-node, which has that of every release for linux-x64 inside; it is
/// fetched once on a machine.
/// </summary>
internal static class OlderRuntimes
{
    private static readonly Lock Fetching = new();

    /// <summary>The package folder of a release; the test is skipped, with the reason, where it is not to be had.</summary>
    internal static AppRuntime Require(string version)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            Assert.Inconclusive("Older releases of ONNX Runtime are fetched for Linux on x64 only.");
        }

        string folder = Path.Combine(Path.GetTempPath(), $"modelbuild-tests-onnxruntime-{Environment.UserName}", version);
        string library = Path.Combine(folder, "runtimes/linux-x64/native/libonnxruntime.so");
        lock (Fetching)
        {
            if (!File.Exists(library))
            {
                Fetch(version, folder, library);
            }
        }

        return new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = version, Folder = folder };
    }

    private static void Fetch(string version, string folder, string library)
    {
        string download = Directory.CreateTempSubdirectory("modelbuild-npm-").FullName;
        try
        {
            // Scripts of the package would fetch more from elsewhere.
            Run(download, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", download, $"onnxruntime-node@{version}");
            string[] found = Directory.Exists(Path.Combine(download, "node_modules"))
                ? Directory.GetFiles(Path.Combine(download, "node_modules/onnxruntime-node/bin"), "libonnxruntime.so*", SearchOption.AllDirectories)
                : [];
            string source = found.First(file => file.Contains("linux/x64", StringComparison.Ordinal));
            Directory.CreateDirectory(Path.GetDirectoryName(library)!);
            string arriving = $"{library}.{Environment.ProcessId}";
            File.Copy(source, arriving, overwrite: true);
            File.Move(arriving, library, overwrite: true);
        }
        catch (Exception fault) when (fault is InvalidOperationException or System.ComponentModel.Win32Exception or IOException)
        {
            Assert.Inconclusive($"npm does not give onnxruntime-node {version}: {fault.Message}");
        }
        finally
        {
            Directory.Delete(download, recursive: true);
        }
    }

    private static void Run(string folder, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(errors + output.Result);
        }
    }
}
