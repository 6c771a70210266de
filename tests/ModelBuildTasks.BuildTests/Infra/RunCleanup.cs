namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>What all tests shared goes with the last one: the compiler server, and some 200 MB of packed and restored packages.</summary>
[TestClass]
public static class RunCleanup
{
    [AssemblyCleanup]
    public static void Clean()
    {
        CompilerServer.Stop();
        Directory.Delete(Feed.Folder, recursive: true);
    }
}
