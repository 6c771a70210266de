using System.Security;
using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Solutions : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void Projects_frameworks_and_runtimes_that_share_a_model_optimize_it_once_for_each_result()
    {
        _app.Write("Directory.Build.props", Defaults($"<ModelMeasurement>Skip</ModelMeasurement><ModelCacheDirectory>{SecurityElement.Escape(_app.At("cache"))}</ModelCacheDirectory>"));
        Add("one", "<TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks>");
        Add("two", "<TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks>");
        Add("three", "<TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks>");
        Add("x64", "<TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><RuntimeIdentifier>linux-x64</RuntimeIdentifier>");
        Add("arm64", "<TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><RuntimeIdentifier>linux-arm64</RuntimeIdentifier>");
        Solution("one", "two", "three", "x64", "arm64");

        _app.Build("all.slnx", "-m:2").ShouldSucceed();

        var results = Directory.GetFiles(_app.Folder, "digits.result.json", SearchOption.AllDirectories).Select(OptimizationResult.Read).ToList();
        Assert.HasCount(10, results);
        foreach (var target in new[] { TargetNames.Cpu, TargetNames.CpuX64, TargetNames.CpuArm64 })
        {
            Assert.AreEqual(1, results.Count(result => result.Target == target && !result.FromCache), target);
            Assert.HasCount(1, results.Where(result => result.Target == target).Select(result => result.ArtifactSha256).Distinct());
        }
    }

    [TestMethod]
    [DataRow("-graph", "-isolate")]
    [DataRow("-mt")]
    [DataRow("-m:2")]
    public void A_library_brings_its_model_to_the_app_that_references_it(params string[] arguments)
    {
        _app.Write("Directory.Build.props", Defaults($"<ModelBuildWorkerPath>{SecurityElement.Escape(_app.At("worker/FakeWorker.dll"))}</ModelBuildWorkerPath>"));
        Add("library", "<TargetFramework>net10.0</TargetFramework>");
        _app.Write("library/Code.cs", "public static class Reader { public static long Length() { using var stream = MyApp.Digits.OpenRead(); return stream.Length; } }");
        _app.Write("program/program.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType></PropertyGroup>
              <ItemGroup><ProjectReference Include="../library/library.csproj" /></ItemGroup>
            </Project>
            """);
        _app.Write("program/Program.cs", "System.Console.Write(Reader.Length() > 0);");
        Solution("library", "program");
        _app.Run("restore", "all.slnx").ShouldSucceed();

        _app.Build(["all.slnx", "--no-restore", .. arguments]).ShouldSucceed();

        Assert.AreEqual(1, _app.WorkerRuns);
        Assert.AreEqual("True", _app.Execute("program/bin/Debug/net10.0/program.dll"));
    }

    private static string Defaults(string properties) => $"""
        <Project>
          <PropertyGroup><RootNamespace>MyApp</RootNamespace><UseAppHost>false</UseAppHost><SelfContained>false</SelfContained><LangVersion>latest</LangVersion>{properties}</PropertyGroup>
        </Project>
        """;

    private void Add(string name, string properties) => _app.Write($"{name}/{name}.csproj", $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>{properties}</PropertyGroup>
          <ItemGroup>
            <PackageReference Include="ModelBuildTasks" Version="{Feed.Version}" PrivateAssets="all" />
            <OptimizedModel Include="../models/digits.onnx" Precision="Float32" />
          </ItemGroup>
        </Project>
        """);

    private void Solution(params string[] projects) =>
        _app.Write("all.slnx", $"<Solution>{string.Concat(projects.Select(project => $"<Project Path=\"{project}/{project}.csproj\" />"))}</Solution>");
}
