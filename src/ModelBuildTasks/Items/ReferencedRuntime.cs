using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Items;

/// <summary>Finds the ONNX Runtime of a project among the files that the SDK has resolved from its packages.</summary>
internal static class ReferencedRuntime
{
    /// <summary>The packages with a native library, in which a model runs; then the one of the C# interface, by whose version the native one goes where a library references nothing else.</summary>
    private static readonly string[] Packages =
    [
        "Microsoft.ML.OnnxRuntime", "Microsoft.ML.OnnxRuntime.Gpu", "Microsoft.ML.OnnxRuntime.Gpu.Linux", "Microsoft.ML.OnnxRuntime.Gpu.Windows",
        "Microsoft.ML.OnnxRuntime.DirectML", "Microsoft.ML.OnnxRuntime.QNN", "Microsoft.ML.OnnxRuntime.Managed",
    ];

    /// <param name="files">Items with the metadata NuGetPackageId and NuGetPackageVersion.</param>
    /// <returns>The first of these packages that a file comes from; null when none does.</returns>
    public static AppRuntime? Find(IEnumerable<ITaskItem> files)
    {
        var candidates = files
            .Select(file => (File: file.ItemSpec, Package: file.GetMetadata("NuGetPackageId"), Version: file.GetMetadata("NuGetPackageVersion")))
            .Where(file => file.Version.Length > 0)
            .ToList();
        foreach (var package in Packages)
        {
            var (file, found, version) = candidates.Find(candidate => candidate.Package.Equals(package, StringComparison.OrdinalIgnoreCase));
            if (found is not null)
            {
                return new AppRuntime { Package = package, Version = version, Folder = FolderOf(file) };
            }
        }

        return null;
    }

    /// <summary>What comes before <c>runtimes/</c> in the path of a native library.</summary>
    private static string? FolderOf(string file)
    {
        var path = file.Replace('\\', '/');
        var end = path.LastIndexOf("/runtimes/", StringComparison.OrdinalIgnoreCase);
        return end < 0 ? null : Path.GetFullPath(path.Substring(0, end));
    }
}
