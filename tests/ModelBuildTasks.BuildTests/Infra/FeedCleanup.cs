namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>The feed and what was restored from it are some 200 MB.</summary>
[TestClass]
public static class FeedCleanup
{
    [AssemblyCleanup]
    public static void Delete() => Directory.Delete(Feed.Folder, recursive: true);
}
