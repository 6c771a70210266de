using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Commands;

/// <summary>Artifacts as builds and apps have them: <c>cpu-arm64/digits.onnx</c>, <c>digits.cpu-arm64.onnx</c>, either compressed to <c>….onnx.br</c>; <c>.ort</c> in the place of <c>.onnx</c> for ORT format.</summary>
internal static class ShippedModel
{
    private static readonly string[] Extensions = [".onnx", OrtFormat.Extension];

    internal static bool IsCompressed(string path) => path.EndsWith(CompressedModel.Extension, StringComparison.OrdinalIgnoreCase);

    /// <summary>The path without what compression adds to it.</summary>
    internal static string Plain(string path) => IsCompressed(path) ? Path.ChangeExtension(path, null) : path;

    /// <summary>Does something with the ONNX or ORT file of an artifact, which is decompressed for that time where it has to be.</summary>
    /// <exception cref="ModelFormatException">A compressed file is damaged.</exception>
    /// <exception cref="IOException">The temporary folder has no room for the model.</exception>
    internal static T Use<T>(string path, Func<string, T> action)
    {
        if (!IsCompressed(path))
        {
            return action(path);
        }

        string folder = Directory.CreateTempSubdirectory("modelbuild-").FullName;
        try
        {
            string restored = Path.Combine(folder, Path.GetFileName(Plain(path)));
            CompressedModel.Restore(path, restored);
            return action(restored);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The model's name and the target that a file, or the folder that a build makes it in, is named after; else the target is that of this machine's processor.</summary>
    internal static (string Name, string Target) Describe(string path)
    {
        string file = Path.GetFileName(Plain(path));
        string name = Extensions.FirstOrDefault(extension => file.EndsWith(extension, StringComparison.OrdinalIgnoreCase)) is { } known ? file[..^known.Length] : file;
        return TargetNames.ByPreference.FirstOrDefault(target => name.EndsWith($".{target}", StringComparison.OrdinalIgnoreCase)) is { } named
            ? (name[..^(named.Length + 1)], named)
            : (name, TargetNames.Find(Path.GetFileName(Path.GetDirectoryName(path)) ?? "") ?? TargetNames.Default(RuntimeInformation.RuntimeIdentifier));
    }
}
