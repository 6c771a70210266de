namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>
/// The package under test, packed once per run under a version of its own into a feed of its own. Packages of others come from this
/// machine's package folder where they are there, ours cannot: it goes to a folder that is made for the run.
/// </summary>
internal static class Feed
{
    private static readonly Lazy<string> s_packages = new(Pack);

    public static string Version { get; } = $"0.0.1-test{DateTime.UtcNow:yyyyMMddHHmmss}";

    public static string Folder { get; } = Directory.CreateTempSubdirectory("modelbuild-feed-").FullName;

    public static string PackageFile => Path.Combine(s_packages.Value, $"ModelBuildTasks.{Version}.nupkg");

    public static IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string> { ["NUGET_PACKAGES"] = Path.Combine(s_packages.Value, "restored") };

    public static string Configuration => $"""
        <configuration>
          <packageSources>
            <clear />
            <add key="ours" value="{s_packages.Value}" />
            <add key="nuget.org" value="https://api.nuget.org/v3/index.json" />
          </packageSources>
          <packageSourceMapping>
            <packageSource key="ours"><package pattern="ModelBuildTasks" /></packageSource>
            <packageSource key="nuget.org"><package pattern="*" /></packageSource>
          </packageSourceMapping>
          <fallbackPackageFolders>
            <clear />
            <add key="machine" value="{MachinePackages()}" />
          </fallbackPackageFolders>
        </configuration>
        """;

    private static string Pack()
    {
        var (exitCode, output) = DotNet.Run(Repository.Root, new Dictionary<string, string>(),
            "pack", "src/ModelBuildTasks", "-c", "Release", "-o", Folder, $"-p:PackageVersion={Version}", "-v", "q", "-tl:off");
        return exitCode == 0 ? Folder : throw new InvalidOperationException(output);
    }

    private static string MachinePackages()
    {
        var folder = System.Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        return Directory.CreateDirectory(folder).FullName;
    }
}
