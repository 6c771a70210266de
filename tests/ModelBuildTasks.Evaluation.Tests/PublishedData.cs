namespace ModelBuildTasks.Evaluation.Tests;

/// <summary>Published models and data, which not every machine has.</summary>
internal static class PublishedData
{
    internal static string Root()
    {
        string? root = Environment.GetEnvironmentVariable("MODELBUILD_DATA");
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); root is null && folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ModelBuildTasks.sln")))
            {
                root = Path.Combine(folder.FullName, "..", "shared", "data");
            }
        }

        if (root is null || !Directory.Exists(root))
        {
            Assert.Inconclusive("The published models and data are not here; MODELBUILD_DATA names their folder.");
        }

        return Path.GetFullPath(root!);
    }
}
