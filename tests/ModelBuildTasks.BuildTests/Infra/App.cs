using System.Security;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>A small app outside the repository that references the package, in a folder with a blank and a letter beyond ASCII in its path.</summary>
internal sealed class App : IDisposable
{
    private const string OnnxRuntimeVersion = "1.31.1";
    private int _builds;

    /// <summary>An app with models/digits.onnx as its one OptimizedModel.</summary>
    public App()
    {
        Folder = Directory.CreateTempSubdirectory("modelbuild ü ").FullName;
        Write("nuget.config", Feed.Configuration);
        Write("Program.cs", "return 0;");
        Write("models/digits.onnx", Classifier());
        foreach (var file in new[] { "FakeWorker.dll", "FakeWorker.runtimeconfig.json", "FakeWorker.deps.json", "ModelBuildTasks.Contracts.dll" })
        {
            Directory.CreateDirectory(Path.Combine(Folder, "worker"));
            File.Copy(Path.Combine(AppContext.BaseDirectory, file), Path.Combine(Folder, "worker", file));
        }
    }

    public string Folder { get; }

    /// <summary>The OptimizedModel items.</summary>
    public string Items { get; set; } = """<OptimizedModel Include="models/digits.onnx" />""";

    /// <summary>The item that brings the package.</summary>
    public string Package { get; set; } = $"""<PackageReference Include="ModelBuildTasks" Version="{Feed.Version}" PrivateAssets="all" />""";

    /// <summary>Whatever else belongs into the project file.</summary>
    public string Project { get; set; } = "";

    public string TargetFramework { get; set; } = "net10.0";

    public bool ReferencesOnnxRuntime { get; set; }

    /// <summary>The packaged worker instead of the fake one.</summary>
    public bool UsesRealWorker { get; set; }

    /// <summary>image [N, 3] → scores [N, 3], the identity.</summary>
    public static byte[] Classifier() => Model([Tensor("image", Float, "N", 3)], [Tensor("scores", Float, "N", 3)], Identity("image", "scores"));

    /// <summary>The same with another description: other bytes.</summary>
    public static byte[] OtherClassifier(string description = "trained again") => [.. Classifier(), .. Message(6, description)];

    /// <summary>What the build finds in its environment.</summary>
    public Dictionary<string, string> Environment { get; } = new(Feed.Environment);

    /// <summary>How often the worker was started.</summary>
    public int WorkerRuns => Runs().Length;

    public string[] Runs() => File.Exists(At("worker/runs.log")) ? File.ReadAllLines(At("worker/runs.log")) : [];

    public string At(string path) => Path.Combine(Folder, path);

    public void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllText(At(path), text);
    }

    public void Write(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllBytes(At(path), bytes);
    }

    public BuildOutcome Build(params string[] arguments) => Run("build", arguments);

    /// <summary>Any command that takes MSBuild's options.</summary>
    public BuildOutcome Run(string command, params string[] arguments)
    {
        WriteProject();
        var binlog = At($"build{++_builds}.binlog");
        var (exitCode, output) = DotNet.Run(Folder, Environment, [command, "-tl:off", "-v", "m", $"-bl:{binlog};ProjectImports=Embed", .. arguments]);
        return new BuildOutcome(exitCode, output, binlog);
    }

    /// <summary>A build that is under way.</summary>
    public System.Diagnostics.Process StartBuild(params string[] arguments)
    {
        WriteProject();
        return DotNet.Start(Folder, Environment, ["build", "-tl:off", "-v", "m", .. arguments]);
    }

    /// <summary>Runs a program, the built app most often, and returns what it printed.</summary>
    public string Execute(string path)
    {
        var (exitCode, output) = DotNet.Run(Folder, Feed.Environment, At(path));
        Assert.AreEqual(0, exitCode, output);
        return output.Trim();
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    // The compiler runs again when the project file is newer, whatever it says.
    private void WriteProject()
    {
        var text = ProjectText();
        if (!File.Exists(At("app.csproj")) || File.ReadAllText(At("app.csproj")) != text)
        {
            Write("app.csproj", text);
        }
    }

    private string ProjectText() => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>{TargetFramework}</TargetFramework>
            <OutputType>Exe</OutputType>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <RootNamespace>MyApp</RootNamespace>
            {(UsesRealWorker ? $"<ModelCacheDirectory>{SecurityElement.Escape(At("cache"))}</ModelCacheDirectory>" : "<ModelBuildWorkerPath>$(MSBuildProjectDirectory)/worker/FakeWorker.dll</ModelBuildWorkerPath>")}
          </PropertyGroup>
          <ItemGroup>
            {Package}
            {(ReferencesOnnxRuntime ? $"<PackageReference Include=\"Microsoft.ML.OnnxRuntime\" Version=\"{OnnxRuntimeVersion}\" />" : "")}
            {Items}
          </ItemGroup>
          {Project}
        </Project>
        """;
}
