using System.Diagnostics;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Commands;
using ModelBuildTasks.Worker.Processes;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>
/// ONNX Runtime's build for ARM64 under user-mode emulation: the program itself, published for linux-arm64, started by qemu. Nothing is timed there. At its start the library reads the
/// topology of the processor and crashes on that of an x64 machine, so /sys is hidden from it and /proc/cpuinfo replaced, in a mount namespace of its own, which takes root.
/// </summary>
internal static class Arm64Machine
{
    private const string Emulator = "/usr/bin/qemu-aarch64-static";
    private const string Libraries = "/usr/aarch64-linux-gnu";

    private const string ProcessorInfo = """
        processor	: 0
        BogoMIPS	: 50.00
        Features	: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
        CPU implementer	: 0x41
        CPU architecture: 8
        CPU variant	: 0x3
        CPU part	: 0xd0c
        CPU revision	: 1

        """;

    private static readonly Lazy<string> Published = new(Publish);

    /// <summary>Runs a model there; outputs for each sample, in the model's order.</summary>
    internal static IReadOnlyList<Tensor>[] Run(string modelPath, IReadOnlyList<IReadOnlyList<Tensor>> samples)
    {
        Require();
        string folder = Directory.CreateTempSubdirectory("modelbuild-arm64-").FullName;
        try
        {
            (string inputs, string outputs, string processor) = (Path.Combine(folder, "samples"), Path.Combine(folder, "outputs"), Path.Combine(folder, "cpuinfo"));
            SampleFile.Write(inputs, samples);
            File.WriteAllText(processor, ProcessorInfo);
            Start("unshare", "-m", "sh", "-c",
                """mount -t tmpfs tmpfs /sys && mount --bind "$1" /proc/cpuinfo && shift && exec "$@" """, "sh", processor,
                Emulator, "-cpu", "max,sve=off,sme=off", "-L", Libraries,
                Path.Combine(Published.Value, "modelbuild"), TryCommand.Name, modelPath, Path.Combine(Published.Value, "libonnxruntime.so"), inputs, outputs);
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

    private static void Require()
    {
        string? reason = !OperatingSystem.IsLinux() ? "Emulation of ARM64 programs needs Linux."
            : !File.Exists(Emulator) ? $"There is no {Emulator} (Debian's package qemu-user-static)."
            : !Directory.Exists(Path.Combine(Libraries, "lib")) ? $"There is no {Libraries} (Debian's packages libc6-arm64-cross, libstdc++6-arm64-cross and libgcc-s1-arm64-cross)."
            : Environment.UserName != "root" ? "Hiding /sys from the emulated program needs root."
            : null;
        if (reason is not null)
        {
            Assert.Inconclusive(reason);
        }
    }

    private static string Publish()
    {
        string folder = Directory.CreateTempSubdirectory("modelbuild-arm64-worker-").FullName;
        string output = Path.Combine(folder, "published");
        // Artifacts of its own: what builds the tests' program at the same time must not find another restore.
        Start("dotnet", "publish", Repository.File("src/ModelBuildTasks.Worker"), "-r", "linux-arm64", "--self-contained", "-c", "Release", "-o", output,
            "--artifacts-path", Path.Combine(folder, "artifacts"), "-v", "q", "-tl:off");
        return output;
    }

    private static void Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, $"{program} {string.Join(' ', arguments.Take(3))}: {errors}{output.Result}");
    }
}
