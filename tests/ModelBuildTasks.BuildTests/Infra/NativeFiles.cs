using System.Buffers.Binary;
using System.Reflection.PortableExecutable;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>The native programs and libraries in a folder: what they are made for, as their own headers say.</summary>
internal static class NativeFiles
{
    private const int ElfX64 = 62;
    private const int ElfArm64 = 183;

    /// <summary>The runtime identifier that each native file runs on, by its name; managed assemblies are none.</summary>
    public static IReadOnlyDictionary<string, string> In(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .Select(path => (Name: Path.GetRelativePath(folder, path), Platform: PlatformOf(File.ReadAllBytes(path))))
        .Where(file => file.Platform is not null).ToDictionary(file => file.Name, file => file.Platform!);

    private static string? PlatformOf(byte[] file)
    {
        if (file.AsSpan().StartsWith("\u007fELF"u8))
        {
            // System V ABI, ELF header: e_machine stands at 18.
            int machine = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(18));
            return machine == ElfX64 ? "linux-x64" : machine == ElfArm64 ? "linux-arm64" : $"ELF {machine}";
        }

        if (!file.AsSpan().StartsWith("MZ"u8))
        {
            return null;
        }

        using var image = new PEReader(new MemoryStream(file));
        return image.HasMetadata ? null : image.PEHeaders.CoffHeader.Machine == Machine.Amd64 ? "win-x64" : $"PE {image.PEHeaders.CoffHeader.Machine}";
    }
}
