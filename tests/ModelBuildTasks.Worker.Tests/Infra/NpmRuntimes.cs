using System.ComponentModel;
using System.Diagnostics;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>Native libraries of ONNX Runtime for linux-x64 from npm's onnxruntime-node, which has that of every release inside. Each is fetched once on a machine.</summary>
internal static class NpmRuntimes
{
    private static readonly Lock Fetching = new();

    /// <summary>A folder with the library where a NuGet package has it.</summary>
    /// <exception cref="InvalidOperationException">npm does not give it.</exception>
    internal static string Folder(string version)
    {
        string folder = Path.Combine(Path.GetTempPath(), $"modelbuild-tests-onnxruntime-{Environment.UserName}", version);
        string library = Path.Combine(folder, "runtimes/linux-x64/native/libonnxruntime.so");
        lock (Fetching)
        {
            if (!File.Exists(library))
            {
                Fetch(version, library);
            }
        }

        return folder;
    }

    private static void Fetch(string version, string library)
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
        catch (Exception fault) when (fault is InvalidOperationException or Win32Exception or IOException)
        {
            throw new InvalidOperationException($"npm does not give onnxruntime-node {version}: {fault.Message}", fault);
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
