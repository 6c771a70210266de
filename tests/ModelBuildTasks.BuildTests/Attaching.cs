using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Attaching : IDisposable
{
    private const string PrintsVariantAndScore = """
        using MyApp;
        using var digits = Digits.Load();
        Console.Write($"{digits.Variant} {digits.Run(new float[] { 5, 7, 9 }).Scores[1]} {string.Join(",", Digits.Variants)}");
        """;

    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void The_app_runs_the_model_through_its_accessor()
    {
        _app.ReferencesOnnxRuntime = true;
        _app.Write("Program.cs", PrintsVariantAndScore);

        _app.Build().ShouldSucceed();

        Assert.AreEqual("cpu 7 cpu", _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void A_model_beside_the_app_is_copied_published_and_found()
    {
        _app.ReferencesOnnxRuntime = true;
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Embed="false" />""";
        _app.Write("Program.cs", PrintsVariantAndScore);

        _app.Run("publish", "-o", _app.At("out")).ShouldSucceed();

        Assert.IsTrue(File.Exists(_app.At("out/models/digits.cpu.onnx")));
        Assert.AreEqual("cpu 7 cpu", _app.Execute("out/app.dll"));
    }

    [TestMethod]
    public void Publishing_without_a_build_starts_no_worker()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Embed="false" />""";
        _app.Build("-c", "Release").ShouldSucceed();
        File.SetLastWriteTimeUtc(_app.At("models/digits.onnx"), DateTime.UtcNow.AddDays(1));

        _app.Run("publish", "--no-build", "-o", _app.At("out")).ShouldSucceed();

        Assert.AreEqual(1, _app.WorkerRuns);
        Assert.IsTrue(File.Exists(_app.At("out/models/digits.cpu.onnx")));
    }

    [TestMethod]
    public void Switched_off_the_source_model_ships_under_the_same_name()
    {
        _app.Write("Program.cs", """using var stream = MyApp.Digits.OpenRead(); Console.Write(stream.Length);""");

        _app.Build("-p:ModelBuildEnabled=false").ShouldSucceed();

        Assert.AreEqual($"{App.Classifier().Length}", _app.Execute("bin/Debug/net10.0/app.dll"));
        Assert.AreEqual(0, _app.WorkerRuns);
    }

    [TestMethod]
    public void Requests_and_results_travel_in_the_binary_log()
    {
        var files = _app.Build().ShouldSucceed().EmbeddedFiles;

        Assert.IsTrue(files.Any(file => file.EndsWith("digits.request.json", StringComparison.Ordinal)));
        Assert.IsTrue(files.Any(file => file.EndsWith("digits.result.json", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void An_older_framework_with_an_older_csharp_compiles_too()
    {
        _app.TargetFramework = "netstandard2.0";
        _app.ReferencesOnnxRuntime = true;
        _app.Project = "<PropertyGroup><OutputType>Library</OutputType><Nullable>disable</Nullable><ImplicitUsings>disable</ImplicitUsings></PropertyGroup>";
        _app.Write("Program.cs", "namespace MyApp { public static class Reader { public static float First() { using (var digits = Digits.Load()) return digits.Run(new float[3]).Scores[0]; } } }");

        Assert.IsEmpty(_app.Build().ShouldSucceed().WarningCodes);
    }
}
