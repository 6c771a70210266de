using System.Collections.Generic;
using System.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Packing;

/// <summary>
/// Where a package keeps files for NuGet to hand to apps: runtimes/&lt;runtime identifier&gt;/native, which unlike contentFiles also reaches
/// apps that reference the package through another one.
/// </summary>
internal static class PackageFolders
{
    // The few folders that reach every runtime identifier of a target: in NuGet's graph linux, osx and android come from unix.
    // "any" is for the portable artifact only; ONNX Runtime has CUDA and TensorRT for Linux and Windows, DirectML for Windows.
    private static readonly Dictionary<string, string[]> RuntimesByTarget = new()
    {
        [TargetNames.Cpu] = ["any"],
        [TargetNames.CpuX64] = ["unix-x64", "win-x64"],
        [TargetNames.CpuArm64] = ["unix-arm64", "win-arm64"],
        [TargetNames.Cuda] = ["linux-x64", "linux-arm64", "win-x64", "win-arm64"],
        [TargetNames.TensorRt] = ["linux-x64", "linux-arm64", "win-x64", "win-arm64"],
        [TargetNames.DirectMl] = ["win-x64", "win-arm64"],
    };

    /// <summary>
    /// The folders in which each of a package's targets has to lie. NuGet takes from a package the most specific folder that fits and
    /// nothing of the others, so that every folder must also hold what those it hides would have given.
    /// </summary>
    public static ILookup<string, string> Of(IReadOnlyCollection<string> targets)
    {
        var runtimes = targets.SelectMany(target => RuntimesByTarget[target]).Distinct().ToList();
        return targets.SelectMany(target => runtimes.Where(runtime => Serves(target, runtime)).Select(runtime => (target, runtime)))
            .ToLookup(pair => pair.target, pair => $"runtimes/{pair.runtime}/native");
    }

    private static bool Serves(string target, string runtime) =>
        RuntimesByTarget[target].Any(served => served == runtime || served == "any" || served == runtime.Replace("linux-", "unix-"));
}
