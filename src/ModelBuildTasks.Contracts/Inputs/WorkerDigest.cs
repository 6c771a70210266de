using System;
using System.IO;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>The identity of a worker: a change in any of its assemblies, ONNX Runtime's among them, may change what it makes.</summary>
public static class WorkerDigest
{
    /// <summary>The files of the worker that count: its assemblies, and the list of its packages with their versions.</summary>
    /// <param name="folder">Full path of the folder that the worker's assembly lies in.</param>
    public static string[] Files(string folder) =>
        [.. Directory.EnumerateFiles(folder).Where(file => file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) || file.EndsWith(".deps.json", StringComparison.OrdinalIgnoreCase))];

    /// <exception cref="IOException">A file cannot be read.</exception>
    public static string Of(string folder) => ContentDigest.OfFiles(folder, Files(folder), () => false);
}
