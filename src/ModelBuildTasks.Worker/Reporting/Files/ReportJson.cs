using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>The report for programs: every result whole, with its model's name.</summary>
internal static class ReportJson
{
    private static readonly ReportJsonContext Readable = new(new JsonSerializerOptions
    {
        WriteIndented = true,
        NewLine = "\n",
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        // The file is never part of a page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    internal static string Write(ModelReport report) => JsonSerializer.Serialize(new ReportFacts(report.Models), Readable.ReportFacts) + "\n";
}

/// <param name="Models">By name, then by target.</param>
internal sealed record ReportFacts(IReadOnlyList<ReportedModel> Models)
{
    /// <summary>Of the form of this file.</summary>
    public int Version { get; } = 1;
}

[JsonSerializable(typeof(ReportFacts))]
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
internal sealed partial class ReportJsonContext : JsonSerializerContext;
