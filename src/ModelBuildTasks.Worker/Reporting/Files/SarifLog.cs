using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>
/// Every diagnostic as SARIF 2.1.0 (OASIS), for code scanning. Files inside a git working tree are named relative to it (3.14.14), as
/// code scanning asks; others by their absolute address.
/// </summary>
internal static class SarifLog
{
    private const string Schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
    private const string Root = "SRCROOT";

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static string Write(ModelReport report)
    {
        string? root = report.Diagnostics.Select(entry => WorkingTree(entry.Diagnostic.File)).FirstOrDefault(folder => folder is not null);
        string[] codes = [.. report.Diagnostics.Select(entry => entry.Diagnostic.Code).Distinct().Order(StringComparer.Ordinal)];
        JsonObject run = new()
        {
            ["tool"] = new JsonObject
            {
                ["driver"] = new JsonObject
                {
                    ["name"] = "ModelBuildTasks",
                    ["informationUri"] = "https://github.com/modelbuildtasks/modelbuildtasks",
                    ["rules"] = new JsonArray([.. codes.Select(code => Rule(code, report.Diagnostics.First(entry => entry.Diagnostic.Code == code).Diagnostic))]),
                },
            },
            // Asked for where regions have columns (3.14.17).
            ["columnKind"] = "utf16CodeUnits",
            ["results"] = new JsonArray([.. Fingerprinted(report).Select(entry => Result(entry.Diagnostic, entry.Fingerprint, Array.IndexOf(codes, entry.Diagnostic.Code), root))]),
        };
        if (root is not null)
        {
            run["originalUriBaseIds"] = new JsonObject { [Root] = new JsonObject { ["uri"] = Address(root) + "/" } };
        }

        JsonObject log = new() { ["$schema"] = Schema, ["version"] = "2.1.0", ["runs"] = new JsonArray(run) };
        return log.ToJsonString(Readable) + "\n";
    }

    private static JsonObject Rule(string code, Diagnostic example)
    {
        JsonObject rule = new() { ["id"] = code };
        if (DiagnosticCatalogue.All.FirstOrDefault(entry => entry.Code == code) is { } descriptor)
        {
            rule["shortDescription"] = new JsonObject { ["text"] = descriptor.Title };
            rule["help"] = new JsonObject { ["text"] = descriptor.WhatToDo };
        }

        if (ReportLink.IsSafe(example.HelpLink))
        {
            rule["helpUri"] = example.HelpLink;
        }

        return rule;
    }

    /// <summary>What tells findings apart and stays the same when numbers change: model, target, code, budget, and a number where all these are equal.</summary>
    private static IEnumerable<(Diagnostic Diagnostic, string Fingerprint)> Fingerprinted(ModelReport report)
    {
        Dictionary<string, int> seen = [];
        foreach ((ReportedModel model, Diagnostic diagnostic) in report.Diagnostics)
        {
            string? budget = model.Result.Budgets.FirstOrDefault(budget => IsAbout(budget, diagnostic.Message))?.Name;
            string fingerprint = $"{model.Name}/{model.Target}/{diagnostic.Code}{(budget is null ? "" : $"/{budget}")}";
            int count = seen[fingerprint] = seen.GetValueOrDefault(fingerprint) + 1;
            yield return (diagnostic, count == 1 ? fingerprint : string.Create(CultureInfo.InvariantCulture, $"{fingerprint}/{count}"));
        }
    }

    /// <summary>Verdicts are said in their own sentence; what was not measured is only named (MBT1002, MBT2008).</summary>
    private static bool IsAbout(JudgedBudget budget, string message) =>
        message.Contains(FaultDiagnostics.Clause(budget.Sentence), StringComparison.Ordinal)
        || message.StartsWith($"{budget.Name}=\"", StringComparison.Ordinal)
        || message.Contains($": {budget.Name} could not be measured", StringComparison.Ordinal);

    private static JsonObject Result(Diagnostic diagnostic, string fingerprint, int rule, string? root)
    {
        JsonObject result = new()
        {
            ["ruleId"] = diagnostic.Code,
            ["ruleIndex"] = rule,
            ["level"] = diagnostic.Severity == DiagnosticSeverity.Error ? "error" : "warning",
            ["message"] = new JsonObject { ["text"] = diagnostic.Message },
            // One finding on a model is another for each target; a binary file has no lines to tell them apart by.
            ["partialFingerprints"] = new JsonObject { ["modelAndTarget/v1"] = fingerprint },
        };
        if (diagnostic.File is { Length: > 0 } file)
        {
            JsonObject place = new() { ["artifactLocation"] = Location(file, root) };
            if (diagnostic.Line > 0)
            {
                place["region"] = diagnostic.Column > 0
                    ? new JsonObject { ["startLine"] = diagnostic.Line, ["startColumn"] = diagnostic.Column }
                    : new JsonObject { ["startLine"] = diagnostic.Line };
            }

            result["locations"] = new JsonArray(new JsonObject { ["physicalLocation"] = place });
        }

        return result;
    }

    private static JsonObject Location(string file, string? root)
    {
        string relative = root is null ? ".." : Path.GetRelativePath(root, file);
        return relative.StartsWith("..", StringComparison.Ordinal) || Path.IsPathRooted(relative)
            ? new JsonObject { ["uri"] = Address(file) }
            : new JsonObject { ["uri"] = Escape(relative), ["uriBaseId"] = Root };
    }

    private static string Address(string path) => new UriBuilder(Uri.UriSchemeFile, "") { Path = Escape(path).Replace("%3A", ":", StringComparison.Ordinal) }.Uri.AbsoluteUri;

    private static string Escape(string path) => string.Join('/', path.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar).Select(Uri.EscapeDataString));

    private static string? WorkingTree(string? file)
    {
        string? folder = Path.GetDirectoryName(file);
        // A file where the tree is a linked one.
        while (!string.IsNullOrEmpty(folder) && !Path.Exists(Path.Combine(folder, ".git")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return string.IsNullOrEmpty(folder) ? null : folder;
    }
}
