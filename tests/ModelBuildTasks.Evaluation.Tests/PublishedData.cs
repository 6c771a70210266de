namespace ModelBuildTasks.Evaluation.Tests;

/// <summary>Published models and data, which not every machine has.</summary>
internal static class PublishedData
{
    internal static string Root()
    {
        if (!Directory.Exists(Repository.PublishedData))
        {
            Assert.Inconclusive("The published models and data are not here; MODELBUILD_DATA names their folder.");
        }

        return Repository.PublishedData;
    }
}
