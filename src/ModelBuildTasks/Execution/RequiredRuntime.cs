using System;
using System.IO;
using System.Text.RegularExpressions;

namespace ModelBuildTasks.Execution;

/// <summary>The .NET runtime that the worker needs, as its <c>modelbuild.runtimeconfig.json</c> says: "Microsoft.NETCore.App 10.0.0".</summary>
internal static class RequiredRuntime
{
    private static readonly Regex s_framework = new("\"name\"\\s*:\\s*\"(?<name>[^\"]+)\"\\s*,\\s*\"version\"\\s*:\\s*\"(?<version>[^\"]+)\"", RegexOptions.CultureInvariant);

    /// <returns>".NET" when the file does not tell.</returns>
    public static string Of(string workerPath)
    {
        try
        {
            var framework = s_framework.Match(File.ReadAllText(Path.ChangeExtension(workerPath, ".runtimeconfig.json")));
            return framework.Success ? $"{framework.Groups["name"].Value} {framework.Groups["version"].Value}" : ".NET";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return ".NET";
        }
    }
}
