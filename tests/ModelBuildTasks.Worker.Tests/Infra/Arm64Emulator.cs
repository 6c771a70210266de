using System.Diagnostics;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>
/// Programs for linux-arm64 under qemu's user-mode emulation. Nothing is timed there. At its start ONNX Runtime's library reads the topology of the processor and crashes on that of an
/// x64 machine, so /sys is hidden from it and /proc/cpuinfo replaced, in a mount namespace of its own, which takes root.
/// </summary>
internal static class Arm64Emulator
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

    /// <summary>Skips the test with the reason where there is no emulation.</summary>
    internal static void Require()
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

    /// <summary>Runs a self-contained program, which must succeed, and returns what it printed.</summary>
    internal static string Run(string program, params string[] arguments)
    {
        string processor = Path.GetTempFileName();
        try
        {
            File.WriteAllText(processor, ProcessorInfo);
            ProcessStartInfo start = new("unshare",
            [
                "-m", "sh", "-c", """mount -t tmpfs tmpfs /sys && mount --bind "$1" /proc/cpuinfo && shift && exec "$@" """, "sh", processor,
                Emulator, "-cpu", "max,sve=off,sme=off", "-L", Libraries, program, .. arguments,
            ])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
            // No ICU is among the libraries.
            start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1";
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.AreEqual(0, process.ExitCode, $"{program}: {errors}{output.Result}");
            return output.Result;
        }
        finally
        {
            File.Delete(processor);
        }
    }
}
