using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

/// <summary>F# and Visual Basic get the artifact without an accessor, and one message that says so.</summary>
[TestClass]
public sealed class Languages : IDisposable
{
    private const string Message = "ModelBuildTasks writes accessors in C# only";
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void FSharp_embeds_the_model_and_says_that_there_is_no_accessor()
    {
        var outcome = Build("fsproj", "Library.fs", "module Library\nlet answer = 42\n", "<Compile Include=\"Library.fs\" />");

        CollectionAssert.AreEqual(new[] { "models/digits.cpu.onnx: for cpu in Auto" }, ManifestModels.In(File.ReadAllBytes(_app.At("lib/bin/Debug/net10.0/lib.dll"))));
        Assert.HasCount(2, outcome.Output.Split(Message));
    }

    [TestMethod]
    public void Visual_basic_copies_the_model_and_says_that_there_is_no_accessor()
    {
        var outcome = Build("vbproj", "Library.vb", "Public Class Library\nEnd Class\n", "", "Embed=\"false\"");

        Assert.IsTrue(File.Exists(_app.At("lib/bin/Debug/net10.0/models/digits.cpu.onnx")));
        Assert.HasCount(2, outcome.Output.Split(Message));
    }

    [TestMethod]
    public void Who_wants_no_accessor_is_told_nothing() =>
        Assert.DoesNotContain(Message, Build("vbproj", "Library.vb", "Public Class Library\nEnd Class\n", "", "Accessor=\"false\"").Output);

    private BuildOutcome Build(string extension, string source, string code, string items, string metadata = "")
    {
        _app.Write($"lib/{source}", code);
        _app.Write($"lib/lib.{extension}", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <ModelBuildWorkerPath>$(MSBuildProjectDirectory)/../worker/FakeWorker.dll</ModelBuildWorkerPath>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="ModelBuildTasks" Version="{Feed.Version}" PrivateAssets="all" />
                {items}
                <OptimizedModel Include="../models/digits.onnx" {metadata} />
              </ItemGroup>
            </Project>
            """);
        var outcome = _app.Run("build", $"lib/lib.{extension}").ShouldSucceed();
        Assert.IsEmpty(outcome.WarningCodes.Where(code => code.StartsWith("MBT", StringComparison.Ordinal)));
        return outcome;
    }
}
