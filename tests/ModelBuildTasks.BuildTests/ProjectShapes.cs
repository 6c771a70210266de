using System.Security;
using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class ProjectShapes : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void Every_target_framework_embeds_the_model_and_compiles_its_accessor()
    {
        _app.Project = """
            <PropertyGroup>
              <TargetFramework /><TargetFrameworks>net8.0;net10.0;netstandard2.0</TargetFrameworks>
              <OutputType>Library</OutputType><LangVersion>latest</LangVersion><ImplicitUsings>disable</ImplicitUsings>
            </PropertyGroup>
            """;
        _app.ReferencesOnnxRuntime = true;
        _app.Write("Program.cs", "public static class Reader { public static float First() { using var digits = MyApp.Digits.Load(); return digits.Run(new float[3]).Scores[0]; } }");

        _app.Build().ShouldSucceed();

        foreach (var framework in new[] { "net8.0", "net10.0", "netstandard2.0" })
        {
            CollectionAssert.AreEqual(new[] { "models/digits.cpu.onnx: for cpu in Auto" }, Embedded($"bin/Debug/{framework}/app.dll"));
        }
    }

    [TestMethod]
    public void Two_models_with_one_file_name_need_a_name()
    {
        _app.Write("more/digits.onnx", App.Classifier());
        _app.Items = """<OptimizedModel Include="models/digits.onnx;more/digits.onnx" />""";

        var error = _app.Build().ShouldFailWith("MBT0009").Errors.Single();

        Assert.AreEqual(_app.At("app.csproj"), error.File);
        StringAssert.Contains(error.Text, _app.At("more/digits.onnx"));
        StringAssert.Contains(error.Text, _app.At("models/digits.onnx"));
    }

    [TestMethod]
    public void Two_models_with_one_file_name_are_two_models_by_their_names()
    {
        _app.Write("more/digits.onnx", App.Classifier());
        _app.Items = """
            <OptimizedModel Include="models/digits.onnx" />
            <OptimizedModel Include="more/digits.onnx" Name="more digits" Precision="Float16" />
            """;
        _app.Write("Program.cs", "using MyApp; Console.Write(Digits.OpenRead().Length - MoreDigits.OpenRead().Length);");

        _app.Build().ShouldSucceed();

        CollectionAssert.AreEquivalent(new[] { "models/digits.cpu.onnx: for cpu in Auto", "models/more digits.cpu.onnx: for cpu in Float16" }, Embedded("bin/Debug/net10.0/app.dll"));
        Assert.AreEqual("-3", _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    // A folder with %20 in its name is left out: the SDK can't restore there.
    [TestMethod]
    [DataRow("true")]
    [DataRow("false")]
    public void Blanks_ampersands_semicolons_percent_signs_and_other_scripts_in_paths_are_letters_like_others(string embed)
    {
        string[] files = ["a & b", "c%20d", "e;f", "g 100%", "ü 数"];
        foreach (var file in files)
        {
            _app.Write($"R&D; 100% ü/models/{file}.onnx", App.Classifier());
        }

        _app.Write("R&D; 100% ü/Program.cs", "using MyApp; Console.Write(string.Join(' ', AB.OpenRead().Length, C20d.OpenRead().Length, EF.OpenRead().Length, G100.OpenRead().Length, Ü数.OpenRead().Length));");
        _app.Write("R&D; 100% ü/odd.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <ImplicitUsings>enable</ImplicitUsings>
                <RootNamespace>MyApp</RootNamespace>
                <ModelBuildWorkerPath>{SecurityElement.Escape(_app.At("worker/FakeWorker.dll"))}</ModelBuildWorkerPath>
              </PropertyGroup>
              <ItemGroup>
                {_app.Package}
                <OptimizedModel Include="models/*.onnx" Embed="{embed}" />
              </ItemGroup>
            </Project>
            """);

        _app.Run("build", "R&D; 100% ü/odd.csproj").ShouldSucceed();

        var bytes = App.Classifier().Length + "for cpu in Auto".Length + 2;
        Assert.AreEqual(string.Join(' ', files.Select(_ => bytes)), _app.Execute("R&D; 100% ü/bin/Debug/net10.0/odd.dll"));
    }

    [TestMethod]
    public void Nothing_is_written_into_the_package_folder()
    {
        _app.Run("restore").ShouldSucceed();
        var package = Path.Combine(Feed.Environment["NUGET_PACKAGES"], "modelbuildtasks", Feed.Version);
        var before = Listing(package);

        _app.Build().ShouldSucceed();

        CollectionAssert.AreEqual(before, Listing(package));
    }

    [TestMethod]
    [DataRow("<PackageVersion Include=\"ModelBuildTasks\" Version=\"{0}\" />", "<PackageReference Include=\"ModelBuildTasks\" PrivateAssets=\"all\" />")]
    [DataRow("<GlobalPackageReference Include=\"ModelBuildTasks\" Version=\"{0}\" />", "")]
    public void Versions_may_be_managed_centrally(string central, string reference)
    {
        _app.Write("Directory.Packages.props", $"""
            <Project>
              <PropertyGroup><ManagePackageVersionsCentrally>true</ManagePackageVersionsCentrally></PropertyGroup>
              <ItemGroup>{central.Replace("{0}", Feed.Version, StringComparison.Ordinal)}</ItemGroup>
            </Project>
            """);
        _app.Package = reference;

        _app.Build().ShouldSucceed();

        CollectionAssert.AreEqual(new[] { "models/digits.cpu.onnx: for cpu in Auto" }, Embedded("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void Defaults_for_every_project_come_from_an_item_definition_and_an_item_overrides_them()
    {
        _app.Write("Directory.Build.props", """
            <Project>
              <ItemDefinitionGroup><OptimizedModel><Precision>Float16</Precision><MaxSize>1KB</MaxSize></OptimizedModel></ItemDefinitionGroup>
            </Project>
            """);
        _app.Write("models/letters.onnx", App.Classifier());
        _app.Items = """
            <OptimizedModel Include="models/digits.onnx" />
            <OptimizedModel Include="models/letters.onnx" Precision="Float32" MaxSize="20B" />
            """;

        var error = _app.Build().ShouldFailWith("MBT2004").Errors.Single();

        Assert.AreEqual(_app.At("models/letters.onnx"), error.File);
        Assert.AreEqual("for cpu in Float16", ManifestModels.Note(File.ReadAllBytes(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.onnx"))));
        Assert.AreEqual("for cpu in Float32", ManifestModels.Note(File.ReadAllBytes(_app.At("obj/Debug/net10.0/modelbuild/letters/cpu/letters.onnx"))));
    }

    [TestMethod]
    public void A_model_without_accessor_is_embedded_all_the_same()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Accessor="false" />""";

        _app.Build().ShouldSucceed();

        CollectionAssert.AreEqual(new[] { "models/digits.cpu.onnx: for cpu in Auto" }, Embedded("bin/Debug/net10.0/app.dll"));
        Assert.IsEmpty(Directory.GetFiles(_app.At("obj/Debug/net10.0/modelbuild"), "*.g.cs"));
    }

    [TestMethod]
    public void A_project_without_the_sdk_is_refused_with_one_error()
    {
        _app.Run("restore").ShouldSucceed();
        var build = Path.Combine(Feed.Environment["NUGET_PACKAGES"], "modelbuildtasks", Feed.Version, "build");
        _app.Write("old/old.csproj", $"""
            <Project ToolsVersion="15.0" xmlns="http://schemas.microsoft.com/developer/msbuild/2003">
              <Import Project="{build}/ModelBuildTasks.props" />
              <Import Project="$(MSBuildExtensionsPath)/$(MSBuildToolsVersion)/Microsoft.Common.props" />
              <PropertyGroup>
                <Configuration>Debug</Configuration>
                <Platform>AnyCPU</Platform>
                <OutputType>Library</OutputType>
                <TargetFrameworkVersion>v4.7.2</TargetFrameworkVersion>
                <OutputPath>bin/</OutputPath>
              </PropertyGroup>
              <ItemGroup><OptimizedModel Include="../models/digits.onnx" MaxSize="small" /></ItemGroup>
              <Import Project="$(MSBuildToolsPath)/Microsoft.CSharp.targets" />
              <Import Project="{build}/ModelBuildTasks.targets" />
            </Project>
            """);

        _app.Run("msbuild", "old/old.csproj").ShouldFailWith("MBT0008");
    }

    private string[] Embedded(string assembly) => ManifestModels.In(File.ReadAllBytes(_app.At(assembly)));

    private static string[] Listing(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Select(file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc:O}").Order(StringComparer.Ordinal)];
}
