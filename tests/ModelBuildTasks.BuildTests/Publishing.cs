using System.Runtime.InteropServices;
using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

/// <summary>An app with one model embedded and one beside it, published in every form.</summary>
[TestClass]
public sealed class Publishing : IDisposable
{
    private static readonly string s_runtime = RuntimeInformation.RuntimeIdentifier;
    private static readonly string s_target = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "cpu-arm64" : "cpu-x64";

    private readonly App _app = new()
    {
        Items = """
            <OptimizedModel Include="models/digits.onnx" />
            <OptimizedModel Include="models/letters.onnx" Embed="false" />
            """,
    };

    public Publishing() => _app.Write("models/letters.onnx", App.Classifier());

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void Three_runtimes_published_from_one_project_carry_three_sets_of_models()
    {
        foreach (var (runtime, target) in new[] { ("linux-x64", "cpu-x64"), ("linux-arm64", "cpu-arm64"), ("win-x64", "cpu-x64") })
        {
            _app.Run("publish", "-r", runtime, "--self-contained", "false", "-o", _app.At(runtime)).ShouldSucceed();

            CollectionAssert.AreEqual(new[] { $"models/digits.{target}.onnx: for {target} in Auto" }, ManifestModels.In(File.ReadAllBytes(_app.At($"{runtime}/app.dll"))));
            var beside = Directory.GetFiles(_app.At(runtime), "*.onnx", SearchOption.AllDirectories).Single();
            Assert.AreEqual(_app.At($"{runtime}/models/letters.{target}.onnx"), beside);
            Assert.AreEqual($"for {target} in Auto", ManifestModels.Note(File.ReadAllBytes(beside)));
        }

        Assert.AreEqual(3, _app.WorkerRuns);
    }

    [TestMethod]
    [DataRow("--self-contained", "false")]
    [DataRow("--self-contained", "true")]
    [DataRow("-p:PublishSingleFile=true", "--self-contained", "false")]
    [DataRow("-p:PublishSingleFile=true", "--self-contained", "true", "-p:IncludeAllContentForSelfExtract=true")]
    public void A_published_app_runs_both_models(params string[] options)
    {
        _app.ReferencesOnnxRuntime = true;
        _app.Write("Program.cs", """
            using MyApp;
            using var digits = Digits.Load();
            using var letters = Letters.Load();
            Console.Write($"{digits.Variant} {digits.Run(new float[] { 5, 7, 9 }).Scores[1]} {letters.Variant} {letters.Run(new float[] { 4, 6, 8 }).Scores[1]}");
            """);

        _app.Run("publish", ["-r", s_runtime, "-o", _app.At("out"), .. options]).ShouldSucceed();

        Assert.AreEqual($"{s_target} 7 {s_target} 6", Native.Run(_app.At("out/app")));
    }

    [TestMethod]
    public void Publishing_for_a_runtime_without_a_build_starts_no_worker()
    {
        _app.Build("-c", "Release", "-r", s_runtime, "--self-contained", "false").ShouldSucceed();
        File.SetLastWriteTimeUtc(_app.At("models/letters.onnx"), DateTime.UtcNow.AddDays(1));

        _app.Run("publish", "--no-build", "-r", s_runtime, "--self-contained", "false", "-o", _app.At("out")).ShouldSucceed();

        Assert.AreEqual(1, _app.WorkerRuns);
        Assert.IsTrue(File.Exists(_app.At($"out/models/letters.{s_target}.onnx")));
    }
}
