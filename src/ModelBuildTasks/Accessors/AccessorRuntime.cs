using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;

namespace ModelBuildTasks.Accessors;

/// <summary>What the Microsoft.ML.OnnxRuntime among a project's references lets accessors do.</summary>
internal sealed class AccessorRuntime
{
    /// <summary>The first release whose C# interface runs a model on <c>OrtValue</c>s, as accessors do.</summary>
    public static readonly Version Oldest = new(1, 16);

    /// <param name="references">The resolved references. Those from packages have the metadata NuGetPackageId and NuGetPackageVersion.</param>
    public AccessorRuntime(IEnumerable<ITaskItem> references)
    {
        var reference = references.FirstOrDefault(reference => Path.GetFileNameWithoutExtension(reference.ItemSpec).Equals("Microsoft.ML.OnnxRuntime", StringComparison.OrdinalIgnoreCase));
        var version = reference?.GetMetadata("NuGetPackageVersion") ?? "";
        TooOld = Version.TryParse(version.Split('-', '+')[0], out var release) && release < Oldest ? $"{reference!.GetMetadata("NuGetPackageId")} {version}" : null;
        Runs = reference is not null && TooOld is null;
    }

    /// <summary>Whether accessors can load and run.</summary>
    public bool Runs { get; }

    /// <summary>The package and its version where that is before <see cref="Oldest"/>; else null, also where the reference is of no package.</summary>
    public string? TooOld { get; }
}
