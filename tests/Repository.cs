namespace ModelBuildTasks;

/// <summary>The working copy that the tests were built in. Not found by <c>[CallerFilePath]</c>, which deterministic builds, as CI's, map to <c>/_/</c>.</summary>
internal static class Repository
{
    internal static string Root { get; } = FindRoot();

    /// <summary>The folder of published models and labelled data, which not every machine has: <c>MODELBUILD_DATA</c>, else beside the working copy.</summary>
    internal static string PublishedData { get; } =
        Path.GetFullPath(Environment.GetEnvironmentVariable("MODELBUILD_DATA") ?? Path.Combine(Root, "..", "shared", "data"));

    internal static string File(string relativePath) => Path.Combine(Root, relativePath);

    private static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!System.IO.File.Exists(Path.Combine(folder, "ModelBuildTasks.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException($"No ModelBuildTasks.sln above {AppContext.BaseDirectory}.");
        }

        return folder;
    }
}
