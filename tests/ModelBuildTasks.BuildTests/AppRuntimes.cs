using System.IO.Compression;
using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.BuildTests;

/// <summary>The ONNX Runtime that the project references, in all the ways that there are to reference a package.</summary>
[TestClass]
public sealed class AppRuntimes : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    [DataRow("""<PackageReference Include="Microsoft.ML.OnnxRuntime" Version="1.31.1" />""", "Microsoft.ML.OnnxRuntime 1.31.1", "")]
    [DataRow("""<PackageReference Include="Microsoft.ML.OnnxRuntime" Version="1.31.1" />""", "Microsoft.ML.OnnxRuntime 1.31.1", "linux-x64")]
    [DataRow("""<PackageReference Include="Microsoft.ML.OnnxRuntime.Managed" Version="1.31.1" />""", "Microsoft.ML.OnnxRuntime.Managed 1.31.1", "")]
    [DataRow("""<ProjectReference Include="inner/inner.csproj" />""", "Microsoft.ML.OnnxRuntime 1.31.1", "")]
    [DataRow("", null, "")]
    public void The_version_that_nuget_resolved_is_asked_for(string reference, string? runtime, string identifier)
    {
        _app.Write("inner/inner.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><PackageReference Include="Microsoft.ML.OnnxRuntime" Version="1.31.1" /></ItemGroup>
            </Project>
            """);
        _app.Project = $"""<ItemGroup>{reference}<Compile Remove="inner/**" /></ItemGroup>""";

        _app.Build(identifier.Length > 0 ? ["-r", identifier] : []).ShouldSucceed();

        var found = Request().Runtime;
        Assert.AreEqual(runtime, found?.ToString());
        Assert.AreEqual(found is { Package: "Microsoft.ML.OnnxRuntime" }, found?.Folder is { } folder && Directory.Exists(Path.Combine(folder, "runtimes", "linux-x64")));
    }

    [TestMethod]
    public void A_floating_version_is_the_one_that_nuget_took_of_those_that_there_are()
    {
        WritePackage("1.30.98");
        WritePackage("1.30.99");
        _app.Project = Reference("1.30.*");

        _app.Build().ShouldSucceed();

        Assert.AreEqual("1.30.99", Request().Runtime!.Version);
    }

    [TestMethod]
    public void Another_version_makes_the_model_anew_and_the_same_version_does_not()
    {
        WritePackage("1.30.0");
        _app.Project = Reference("1.31.1");
        _app.Build().ShouldSucceed();
        _app.Build().ShouldSucceed();
        Assert.AreEqual(1, _app.WorkerRuns);

        _app.Project = Reference("1.30.0");
        _app.Build().ShouldSucceed();

        Assert.AreEqual(2, _app.WorkerRuns);
        Assert.AreEqual("1.30.0", Request().Runtime!.Version);
    }

    [TestMethod]
    public void A_model_that_the_version_does_not_read_fails_the_build_with_both_versions()
    {
        _app.UsesRealWorker = true;
        WritePackage("1.16.3");
        _app.Write("models/digits.onnx", Gelu());
        _app.Project = Reference("1.16.3");

        var error = _app.Build().ShouldFailWith("MBT4014").Errors.Single();

        StringAssert.Contains(error.Text, "Microsoft.ML.OnnxRuntime 1.16.3");
        StringAssert.Contains(error.Text, "operator set 20");
    }

    [TestMethod]
    public void A_version_that_accessors_can_not_run_in_is_told_in_each_build_and_the_app_compiles()
    {
        WritePackage("1.15.1", assembly: File.ReadAllBytes(typeof(OptimizationRequest).Assembly.Location));
        _app.Project = Reference("1.15.1");
        _app.Write("Program.cs", "using var bytes = MyApp.Digits.OpenRead(); return bytes.Length > 0 ? 0 : 1;");

        _app.Build().ShouldSucceed();
        var again = _app.Build().ShouldSucceed();

        StringAssert.Contains(again.Warnings.Single(warning => warning.Code == "MBT1022").Text, "Microsoft.ML.OnnxRuntime 1.15.1");
    }

    /// <summary>A model of operator set 20 and IR version 9.</summary>
    private static byte[] Gelu() => [.. Number(1, 9), .. Message(8, Number(2, 20)), .. Message(7, [
        .. Message(1, [.. Message(1, "image"), .. Message(2, "scores"), .. Message(4, "Gelu")]), .. Message(2, "g"),
        .. Message(11, Tensor("image", Float, 1, 3)), .. Message(12, Tensor("scores", Float, 1, 3))])];

    private static string Reference(string version) => $"""<ItemGroup><PackageReference Include="Microsoft.ML.OnnxRuntime" Version="{version}" /></ItemGroup>""";

    private OptimizationRequest Request() =>
        OptimizationRequest.Read(Directory.GetFiles(_app.At("obj"), "digits.request.json", SearchOption.AllDirectories).OrderBy(File.GetLastWriteTimeUtc).Last());

    /// <summary>A package of that version with an empty library, and any assembly in the place of its own, in a feed of the app's own: only the newest is on every machine.</summary>
    private void WritePackage(string version, byte[]? assembly = null)
    {
        Directory.CreateDirectory(_app.At("feed"));
        using (var package = ZipFile.Open(_app.At($"feed/Microsoft.ML.OnnxRuntime.{version}.nupkg"), ZipArchiveMode.Create))
        {
            Write(package, "Microsoft.ML.OnnxRuntime.nuspec", System.Text.Encoding.UTF8.GetBytes($"""
                <package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
                  <metadata><id>Microsoft.ML.OnnxRuntime</id><version>{version}</version><authors>test</authors><description>test</description></metadata>
                </package>
                """));
            Write(package, "runtimes/linux-x64/native/other.so", []);
            if (assembly is not null)
            {
                Write(package, "lib/netstandard2.0/Microsoft.ML.OnnxRuntime.dll", assembly);
            }
        }

        _app.Write("nuget.config", Feed.Configuration
            .Replace("<clear />\n    <add key=\"ours\"", $"<clear />\n    <add key=\"own\" value=\"{_app.At("feed")}\" />\n    <add key=\"ours\"", StringComparison.Ordinal)
            .Replace("<packageSource key=\"nuget.org\">", "<packageSource key=\"own\"><package pattern=\"Microsoft.ML.OnnxRuntime\" /></packageSource><packageSource key=\"nuget.org\"><package pattern=\"Microsoft.ML.OnnxRuntime\" />", StringComparison.Ordinal));

        static void Write(ZipArchive package, string name, byte[] bytes)
        {
            using var entry = package.CreateEntry(name).Open();
            entry.Write(bytes);
        }
    }
}
