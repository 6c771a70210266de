using System.Collections.Generic;
using System.Linq;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>An operator and what it takes of one run.</summary>
public sealed class OperatorTime
{
    /// <summary>The node's name in the graph that ONNX Runtime runs, where fused operators are one node.</summary>
    public string Name { get; set; } = "";

    /// <summary>The operator, such as <c>Conv</c>.</summary>
    public string OpType { get; set; } = "";

    public double Milliseconds { get; set; }

    /// <summary>Of the time of all operators, 0 to 1.</summary>
    public double Share { get; set; }

    internal static OperatorTime Read(JsonObject json) => new()
    {
        Name = json.Text("name") ?? "",
        OpType = json.Text("operator") ?? "",
        Milliseconds = json.Number("milliseconds") ?? 0,
        Share = json.Number("share") ?? 0,
    };

    internal void Write(JsonWriter json) => json
        .Add("name", Name)
        .Add("operator", OpType)
        .Add("milliseconds", (double?)Milliseconds)
        .Add("share", (double?)Share);
}

/// <summary>The slowest operators of two models, the slowest first.</summary>
public sealed class OperatorProfile
{
    /// <summary>Empty when there is no original.</summary>
    public IReadOnlyList<OperatorTime> Original { get; set; } = [];

    public IReadOnlyList<OperatorTime> Optimized { get; set; } = [];

    internal static OperatorProfile? Read(JsonObject? json) => json is null ? null : new OperatorProfile
    {
        Original = [.. json.Objects("original").Select(OperatorTime.Read)],
        Optimized = [.. json.Objects("optimized").Select(OperatorTime.Read)],
    };

    internal void Write(JsonWriter json) => json
        .Objects("original", Original, (time, inner) => time.Write(inner))
        .Objects("optimized", Optimized, (time, inner) => time.Write(inner));
}
