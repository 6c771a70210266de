using System;
using System.Collections.Generic;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>The target profiles, and which runtime identifiers can run them.</summary>
public static class TargetNames
{
    /// <summary>One portable artifact, exact on every CPU.</summary>
    public const string Cpu = "cpu";
    public const string CpuX64 = "cpu-x64";
    public const string CpuArm64 = "cpu-arm64";
    public const string Cuda = "cuda";
    public const string TensorRt = "tensorrt";

    /// <summary>ONNX Runtime for DirectX 12, in Windows only.</summary>
    public const string DirectMl = "directml";

    // iossimulator and tvossimulator begin so, too. bionic is Android's C library; ONNX Runtime's Linux packages need that of GNU, which musl is not.
    private static readonly string[] WithoutCuda = ["osx", "ios", "tvos", "maccatalyst", "android", "linux-bionic", "linux-musl", "alpine", "freebsd"];

    /// <summary>All profiles, the most specific first: the order in which an app tries its variants.</summary>
    public static IReadOnlyList<string> ByPreference { get; } = [TensorRt, Cuda, DirectMl, CpuX64, CpuArm64, Cpu];

    /// <summary>The profile in its canonical case, or null.</summary>
    public static string? Find(string name) => ByPreference.FirstOrDefault(target => target.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The one profile that a build for this runtime identifier ships by default; "" is a portable build.</summary>
    public static string Default(string runtimeIdentifier) =>
        IsX64(runtimeIdentifier) ? CpuX64 : IsArm64(runtimeIdentifier) ? CpuArm64 : Cpu;

    /// <summary>Whether an app built for this runtime identifier can run the profile. A portable build ("") may run anywhere.</summary>
    public static bool CanRun(string target, string runtimeIdentifier) => target switch
    {
        _ when runtimeIdentifier.Length == 0 => true,
        CpuX64 => IsX64(runtimeIdentifier),
        CpuArm64 => IsArm64(runtimeIdentifier),
        // ONNX Runtime ships its CUDA and TensorRT providers for Linux and Windows only.
        Cuda or TensorRt => (IsX64(runtimeIdentifier) || IsArm64(runtimeIdentifier)) && !WithoutCuda.Any(prefix => Starts(runtimeIdentifier, prefix)),
        DirectMl => (IsX64(runtimeIdentifier) || IsArm64(runtimeIdentifier)) && Starts(runtimeIdentifier, "win"),
        _ => true,
    };

    private static bool IsX64(string runtimeIdentifier) => runtimeIdentifier.EndsWith("-x64", StringComparison.OrdinalIgnoreCase);

    private static bool IsArm64(string runtimeIdentifier) => runtimeIdentifier.EndsWith("-arm64", StringComparison.OrdinalIgnoreCase);

    private static bool Starts(string runtimeIdentifier, string prefix) => runtimeIdentifier.StartsWith(prefix, StringComparison.OrdinalIgnoreCase);
}
