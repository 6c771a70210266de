using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>The ONNX Runtime that a project references, as NuGet has resolved it: central, floating and transitive versions included.</summary>
public sealed class AppRuntime
{
    /// <summary>The package, such as <c>Microsoft.ML.OnnxRuntime</c>.</summary>
    public string Package { get; set; } = "";

    /// <summary>Its version, such as <c>1.20.1</c>.</summary>
    public string Version { get; set; } = "";

    /// <summary>Full path of its folder, which holds <c>runtimes/</c>; null where the package has no native libraries.</summary>
    public string? Folder { get; set; }

    public override string ToString() => $"{Package} {Version}";

    internal static AppRuntime? Read(JsonObject? json) => json is null ? null : new AppRuntime
    {
        Package = json.Text(nameof(Package)) ?? "",
        Version = json.Text(nameof(Version)) ?? "",
        Folder = json.Text(nameof(Folder)),
    };

    internal void Write(JsonWriter json) => json.Add(nameof(Package), Package).Add(nameof(Version), Version).Add(nameof(Folder), Folder);
}
