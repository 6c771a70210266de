using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>An input of a request: a file, or a folder that stands for all files below it.</summary>
public sealed class InputDigest
{
    /// <summary>What it is to the request, and where it lies within that: <c>model</c>, <c>external/weights.bin</c>, <c>teacher</c>, <c>calibration</c>, <c>evaluation/labels.npy</c>.</summary>
    public string Role { get; set; } = "";

    /// <summary>Full path.</summary>
    public string Path { get; set; } = "";

    public int Files { get; set; }

    /// <summary>Bytes in all.</summary>
    public long Length { get; set; }

    /// <summary>SHA-256 of the file's bytes; of a folder, over each file's relative path and SHA-256. Lower-case hexadecimal.</summary>
    public string Sha256 { get; set; } = "";

    /// <summary>Whether it is the source model or its external data, and no other model or data set.</summary>
    public bool IsModel => Role == "model" || Role.StartsWith("external/", System.StringComparison.Ordinal);

    internal static InputDigest Read(JsonObject json) => new()
    {
        Role = json.Text(nameof(Role)) ?? "",
        Path = json.Text(nameof(Path)) ?? "",
        Files = (int)(json.Integer(nameof(Files)) ?? 0),
        Length = json.Integer(nameof(Length)) ?? 0,
        Sha256 = json.Text(nameof(Sha256)) ?? "",
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Role), Role)
        .Add(nameof(Path), Path)
        .Add(nameof(Files), Files)
        .Add(nameof(Length), Length)
        .Add(nameof(Sha256), Sha256);
}
