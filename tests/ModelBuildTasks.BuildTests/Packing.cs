using System.IO.Compression;
using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

/// <summary>A library's package, and apps that take the library from it.</summary>
[TestClass]
public sealed class Packing : IDisposable
{
    private const string TwoFrameworks = "<TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><LangVersion>latest</LangVersion>";
    private readonly App _app = new();
    // The folder of restored packages is one for all tests.
    private readonly string _version = $"1.0.0-t{Guid.NewGuid():N}";

    public void Dispose() => _app.Dispose();

    [TestMethod]
    [DataRow("", "")]
    [DataRow("", TwoFrameworks)]
    [DataRow("--no-build", TwoFrameworks)]
    [DataRow("GeneratePackageOnBuild", $"<GeneratePackageOnBuild>true</GeneratePackageOnBuild>{TwoFrameworks}")]
    public void A_model_beside_the_app_is_packed_once_for_every_runtime_and_nothing_else_of_obj(string way, string properties)
    {
        _app.WriteLibrary("Embed=\"false\"", properties);

        CollectionAssert.AreEqual(new[] { "runtimes/any/native/digits.cpu.onnx" }, Models(Pack(way)));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow(TwoFrameworks)]
    public void An_embedded_model_is_in_the_assembly_and_nowhere_else_in_the_package(string properties)
    {
        _app.WriteLibrary("", properties);

        var package = Pack("");

        Assert.IsEmpty(Models(package));
        foreach (var assembly in Entries(package).Where(name => name.EndsWith(".dll", StringComparison.Ordinal)))
        {
            CollectionAssert.AreEqual(new[] { "models/digits.cpu.onnx: for cpu in Auto" }, ManifestModels.In(Bytes(package, assembly)));
        }
    }

    [TestMethod]
    public void Each_target_is_packed_where_only_its_runtimes_take_it()
    {
        _app.WriteLibrary("Embed=\"false\" Targets=\"cpu-x64;cpu-arm64\"");

        CollectionAssert.AreEquivalent(new[]
        {
            "runtimes/unix-x64/native/digits.cpu-x64.onnx", "runtimes/win-x64/native/digits.cpu-x64.onnx",
            "runtimes/unix-arm64/native/digits.cpu-arm64.onnx", "runtimes/win-arm64/native/digits.cpu-arm64.onnx",
        }, Models(Pack("")));
    }

    [TestMethod]
    public void The_package_names_no_development_dependency()
    {
        _app.WriteLibrary("Embed=\"false\"");
        var package = Pack("");

        Assert.DoesNotContain("\"ModelBuildTasks\"", System.Text.Encoding.UTF8.GetString(Bytes(package, "Models.nuspec")));
    }

    [TestMethod]
    public void A_tool_packs_its_models_with_what_it_publishes_and_only_there()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Embed="false" />""";
        _app.Project = "<PropertyGroup><PackAsTool>true</PackAsTool></PropertyGroup>";

        _app.Run("pack", "-o", _app.At("feed")).ShouldSucceed();

        CollectionAssert.AreEqual(new[] { "tools/net10.0/any/models/digits.cpu.onnx" }, Models(Directory.GetFiles(_app.At("feed")).Single()));
    }

    [TestMethod]
    [DataRow("", "build", "Consumer/bin/Debug/net10.0", "cpu 7")]
    [DataRow("Embed=\"false\"", "build", "Consumer/bin/Debug/net10.0", "cpu 7")]
    [DataRow("Embed=\"false\"", "publish", "Consumer/bin/Release/net10.0/publish", "cpu 7")]
    [DataRow("Embed=\"false\" Targets=\"cpu-x64;cpu-arm64\"", "build", "Consumer/bin/Debug/net10.0", "{cpu} 7")]
    [DataRow("Embed=\"false\" Targets=\"cpu;cuda;cpu-x64;cpu-arm64\"", "publish", "Consumer/bin/Release/net10.0/publish", "{cpu} 7")]
    public void An_app_runs_the_model_of_the_package(string metadata, string command, string output, string expected)
    {
        _app.WriteLibrary(metadata);
        Pack("");
        Consume();

        _app.Run(command, "Consumer/Consumer.csproj").ShouldSucceed();

        Assert.AreEqual(expected.Replace("{cpu}", RuntimeTarget, StringComparison.Ordinal), _app.Execute($"{output}/Consumer.dll"));
    }

    [TestMethod]
    [DataRow("--self-contained", "false")]
    [DataRow("-p:PublishSingleFile=true", "-p:SelfContained=true")]
    [DataRow("-p:PublishSingleFile=true", "-p:SelfContained=true", "-p:IncludeNativeLibrariesForSelfExtract=true")]
    public void An_app_for_one_runtime_runs_the_model_of_the_package_and_carries_no_other(params string[] options)
    {
        _app.WriteLibrary("Embed=\"false\" Targets=\"cpu-x64;cpu-arm64\"");
        Pack("");
        Consume();
        var runtime = System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier;

        _app.Run("publish", ["Consumer/Consumer.csproj", "-r", runtime, "-o", _app.At("out"), .. options]).ShouldSucceed();

        Assert.AreEqual($"{RuntimeTarget} 7", Native.Run(_app.At("out/Consumer")));
        CollectionAssert.IsSubsetOf(ModelsBelow("out"), new[] { $"digits.{RuntimeTarget}.onnx" });
    }

    [TestMethod]
    [DataRow("win-x64", "digits.cpu-x64.onnx", "digits.cpu.onnx")]
    [DataRow("osx-arm64", "digits.cpu.onnx")]
    public void Another_runtime_takes_what_it_can_run(string runtime, params string[] expected)
    {
        _app.WriteLibrary("Embed=\"false\" Targets=\"cpu;cpu-x64\"");
        Pack("");
        Consume();

        _app.Run("publish", "Consumer/Consumer.csproj", "-r", runtime, "--self-contained", "false", "-p:UseAppHost=false", "-o", _app.At("out")).ShouldSucceed();

        CollectionAssert.AreEquivalent(expected, ModelsBelow("out"));
    }

    private static string RuntimeTarget => System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "cpu-arm64" : "cpu-x64";

    private string Pack(string way)
    {
        string[] version = [$"-p:PackageVersion={_version}", $"-p:PackageOutputPath={_app.At("feed")}"];
        if (way.Length > 0)
        {
            _app.Run("build", ["Models/Models.csproj", "-c", "Release", .. version]).ShouldSucceed();
        }

        if (way != "GeneratePackageOnBuild")
        {
            string[] noBuild = way.Length > 0 ? [way] : [];
            var warnings = _app.Run("pack", ["Models/Models.csproj", .. version, .. noBuild]).ShouldSucceed().WarningCodes;
            Assert.IsFalse(warnings.Any(code => code.StartsWith("NU5", StringComparison.Ordinal)), string.Join(", ", warnings));
        }

        return Directory.GetFiles(_app.At("feed"), "*.nupkg").Single();
    }

    private void Consume()
    {
        _app.Write("Consumer/nuget.config", """
            <configuration>
              <packageSources><add key="models" value="../feed" /></packageSources>
              <packageSourceMapping><packageSource key="models"><package pattern="Models" /></packageSource></packageSourceMapping>
            </configuration>
            """);
        _app.WriteConsumer($"<PackageReference Include=\"Models\" Version=\"{_version}\" />");
    }

    private string[] ModelsBelow(string folder) =>
        [.. Directory.GetFiles(_app.At(folder), "*.onnx", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_app.At(folder), path))];

    private static string[] Models(string package) => [.. Entries(package).Where(name => name.EndsWith(".onnx", StringComparison.Ordinal) || name.StartsWith("content", StringComparison.Ordinal))];

    private static string[] Entries(string package)
    {
        using var archive = ZipFile.OpenRead(package);
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    private static byte[] Bytes(string package, string entry)
    {
        using var archive = ZipFile.OpenRead(package);
        using var stream = archive.GetEntry(entry)!.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
