using NuGet.Versioning;

namespace ModelBuildTasks.Optimization.Conversion.Releases;

/// <summary>
/// What a release of ONNX Runtime reads. A newer operator set or format is refused at load ("Opset 22 is under development", "Unsupported model IR version").
/// </summary>
/// <remarks>
/// Source: a model of one operator was loaded with each operator set and IR version in the native library of each release from 1.12.1 to 1.31.1 (npm's onnxruntime-node has
/// them all). It is what ONNX's docs/Versioning.md says of the ONNX release that each is built on.
/// </remarks>
/// <param name="Version">Major and minor version; patches read the same.</param>
/// <param name="Opset">Newest standard operator set.</param>
/// <param name="MachineLearningOpset">Newest operator set of <c>ai.onnx.ml</c>.</param>
/// <param name="IrVersion">Newest version of the file format.</param>
public sealed record RuntimeRelease(Version Version, long Opset, long MachineLearningOpset, long IrVersion)
{
    private static readonly RuntimeRelease[] ByVersion =
    [
        new(new Version(1, 12), 17, 3, 8),
        new(new Version(1, 14), 18, 3, 8),
        new(new Version(1, 15), 19, 3, 9),
        new(new Version(1, 17), 20, 4, 9),
        new(new Version(1, 18), 21, 5, 10),
        new(new Version(1, 21), 22, 5, 10),
        new(new Version(1, 23), 23, 5, 11),
        new(new Version(1, 24), 25, 5, 13),
        new(new Version(1, 25), 26, 5, 13),
    ];

    /// <summary>The version as the package has it, such as <c>1.20.1</c>.</summary>
    public string PackageVersion { get; private init; } = Version.ToString();

    /// <summary>The oldest release of which it is known what it reads.</summary>
    public static Version Oldest => ByVersion[0].Version;

    /// <summary>The oldest that reads the ORT format (its version 6) that releases since then write; 1.15 refuses it ("The ORT format model version [6] is not supported").</summary>
    public static Version OldestForOrtFormat { get; } = new(1, 16);

    /// <summary>The release of that version of the package, such as <c>1.20.1</c> or <c>1.24.0-dev.20260114</c>; the newest row that is not newer, since later releases read what earlier ones did.</summary>
    /// <returns>Null for a text that is no version, and for releases before <see cref="Oldest"/>.</returns>
    public static RuntimeRelease? Find(string packageVersion) =>
        NuGetVersion.TryParse(packageVersion, out NuGetVersion? parsed) && Array.FindLast(ByVersion, row => row.Version <= new Version(parsed.Major, parsed.Minor)) is { } row
            ? row with { Version = new Version(parsed.Major, parsed.Minor), PackageVersion = packageVersion }
            : null;

    /// <summary>Whether that version of the package is before <see cref="Oldest"/>; false for a text that is no version.</summary>
    public static bool IsBeforeOldest(string packageVersion) => NuGetVersion.TryParse(packageVersion, out NuGetVersion? parsed) && new Version(parsed.Major, parsed.Minor) < Oldest;

    public override string ToString() => PackageVersion;
}
