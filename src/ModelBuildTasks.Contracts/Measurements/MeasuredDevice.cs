using System;
using System.IO;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>The machine and the runtime that a measurement was made on.</summary>
public sealed class MeasuredDevice
{
    /// <summary>See <see cref="Caching.ProcessorName"/>.</summary>
    public string Processor { get; set; } = "";

    /// <summary>Processors that the measuring process had.</summary>
    public int Cores { get; set; }

    /// <summary>Name and version.</summary>
    public string OperatingSystem { get; set; } = "";

    /// <summary>Of the process, as .NET names it: <c>X64</c>, <c>Arm64</c>.</summary>
    public string Architecture { get; set; } = "";

    /// <summary>Version of ONNX Runtime.</summary>
    public string Runtime { get; set; } = "";

    /// <summary>As ONNX Runtime names it: <c>CPUExecutionProvider</c>.</summary>
    public string ExecutionProvider { get; set; } = "";

    /// <exception cref="InvalidDataException">A member is missing or of another kind.</exception>
    internal static MeasuredDevice Read(JsonObject json) => new()
    {
        Processor = json.RequiredText("processor"),
        Cores = (int)Math.Min(int.MaxValue, json.Integer("cores") ?? 0),
        OperatingSystem = json.Text("operatingSystem") ?? "",
        Architecture = json.RequiredText("architecture"),
        Runtime = json.Text("runtime") ?? "",
        ExecutionProvider = json.RequiredText("executionProvider"),
    };

    internal void Write(JsonWriter json) => json
        .Add("processor", Processor)
        .Add("cores", Cores)
        .Add("operatingSystem", OperatingSystem)
        .Add("architecture", Architecture)
        .Add("runtime", Runtime)
        .Add("executionProvider", ExecutionProvider);
}
