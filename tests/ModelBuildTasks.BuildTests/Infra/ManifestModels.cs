using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>The models that an assembly embeds, read without loading it: it may be for another platform.</summary>
internal static class ManifestModels
{
    /// <summary>"name: note" of each model, where the note is what the fake worker wrote at the end of the artifact.</summary>
    public static string[] In(byte[] assembly) => [.. Read(assembly).Select(model => $"{model.Name}: {Note(model.Bytes)}")];

    public static (string Name, byte[] Bytes)[] Read(byte[] assembly)
    {
        using var file = new PEReader(ImmutableArray.Create(assembly));
        var metadata = file.GetMetadataReader();
        var resources = file.PEHeaders.CorHeader!.ResourcesDirectory.RelativeVirtualAddress;
        return [.. metadata.ManifestResources.Select(metadata.GetManifestResource)
            .Select(resource => (Name: metadata.GetString(resource.Name), resource.Offset))
            .Where(resource => Path.GetExtension(resource.Name) is ".onnx" or ".ort")
            .Select(resource => (resource.Name, Bytes(file, resources + (int)resource.Offset)))];
    }

    public static string Note(byte[] artifact)
    {
        var text = Encoding.Latin1.GetString(artifact);
        return text[text.LastIndexOf("for ", StringComparison.Ordinal)..];
    }

    private static byte[] Bytes(PEReader file, int address)
    {
        var reader = file.GetSectionData(address).GetReader();
        return reader.ReadBytes(reader.ReadInt32());
    }
}
