using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Items;
using ModelBuildTasks.Packing;

namespace ModelBuildTasks;

/// <summary>Decides the folders in which a package keeps the models that its assembly does not embed.</summary>
[MSBuildMultiThreadableTask]
public sealed class PlaceModelsInPackage : Task
{
    /// <summary>The artifacts of all target frameworks, with LogicalName and TargetProfile.</summary>
    public ITaskItem[] Artifacts { get; set; } = [];

    /// <summary>One item per file of the package, with PackagePath.</summary>
    [Output] public ITaskItem[] Files { get; set; } = [];

    public override bool Execute()
    {
        var folders = PackageFolders.Of([.. Artifacts.Select(Target).Distinct()]);
        var files = new List<ITaskItem>();
        foreach (var same in Artifacts.GroupBy(artifact => artifact.GetMetadata("LogicalName"), StringComparer.OrdinalIgnoreCase))
        {
            foreach (var artifact in Distinct([.. same]))
            {
                files.AddRange(folders[Target(artifact)].Select(folder => ItemText.Create(artifact.ItemSpec, new Dictionary<string, string>
                {
                    ["PackagePath"] = $"{folder}/{Path.GetFileName(same.Key)}",
                })));
            }
        }

        Files = [.. files];
        return true;
    }

    private static string Target(ITaskItem artifact) => artifact.GetMetadata("TargetProfile");

    // Each framework has made a copy of its own. NuGet warns, NU5118, where one place is left with files that differ.
    private static IEnumerable<ITaskItem> Distinct(IReadOnlyList<ITaskItem> artifacts) =>
        artifacts.Count == 1 ? artifacts : artifacts.GroupBy(artifact => Hash(artifact.ItemSpec)).Select(same => same.First());

    private static string Hash(string path)
    {
        if (!File.Exists(path))
        {
            return path;
        }

        using var file = File.OpenRead(path);
        using var sha = SHA256.Create();
        return BitConverter.ToString(sha.ComputeHash(file));
    }
}
