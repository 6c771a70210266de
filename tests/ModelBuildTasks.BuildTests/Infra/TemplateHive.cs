namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>The packed templates, installed once per run where the user's own are not.</summary>
internal static class TemplateHive
{
    private static readonly Lazy<string> s_hive = new(Install);

    /// <summary>The templates' package.</summary>
    public static string PackageFile => Path.Combine(Path.GetDirectoryName(Feed.PackageFile)!, $"ModelBuildTasks.Templates.{Feed.Version}.nupkg");

    /// <summary>Runs <c>dotnet new</c> with these templates, and returns what it printed.</summary>
    public static string New(string folder, string template, params string[] arguments)
    {
        var (exitCode, output) = DotNet.Run(folder, Feed.Environment, ["new", template, .. arguments, "--debug:custom-hive", s_hive.Value]);
        Assert.AreEqual(0, exitCode, output);
        return output;
    }

    private static string Install()
    {
        var hive = Path.Combine(Path.GetDirectoryName(Feed.PackageFile)!, "hive");
        Run("pack", "templates/ModelBuildTasks.Templates", "-c", "Release", "-o", Feed.Folder, $"-p:PackageVersion={Feed.Version}", "-v", "q", "-tl:off");
        Run("new", "install", PackageFile, "--debug:custom-hive", hive);
        return hive;
    }

    private static void Run(params string[] arguments)
    {
        var (exitCode, output) = DotNet.Run(Repository.Root, new Dictionary<string, string>(), arguments);
        if (exitCode != 0)
        {
            throw new InvalidOperationException(output);
        }
    }
}
