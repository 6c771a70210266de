using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// The file beside an artifact in ORT format that says which operators ONNX Runtime must be built with to run it: what its build script takes as <c>--include_ops_by_config</c>
/// (ONNX Runtime, "Reduced operator config file").
/// </summary>
public static class RequiredOperators
{
    private const string Extension = ".required_operators.config";
    private static readonly string[] ExtensionsOfArtifacts = [".br", ".ort", ".onnx"];

    /// <summary>Where the file of an artifact is: <c>digits.required_operators.config</c> beside <c>digits.ort</c> or <c>digits.ort.br</c>.</summary>
    public static string PathFor(string artifactPath) =>
        ExtensionsOfArtifacts.Aggregate(artifactPath, (path, extension) => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase) ? path.Substring(0, path.Length - extension.Length) : path) + Extension;

    /// <summary>Writes the file of an artifact; does nothing without operators, for an artifact that is no ORT file.</summary>
    /// <param name="artifactPath">The artifact.</param>
    /// <param name="operators">Lines of the form <c>domain;version;names</c>.</param>
    public static void Write(string artifactPath, IEnumerable<string> operators)
    {
        var lines = operators.ToList();
        if (lines.Count > 0)
        {
            WholeFile.Write(PathFor(artifactPath), $"# Operators of {Path.GetFileName(artifactPath)}.\n{string.Join("\n", lines)}\n");
        }
    }
}
