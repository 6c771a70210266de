using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

/// <summary>Projects whose models ship in ORT format.</summary>
[TestClass]
public sealed class OrtFormat : IDisposable
{
    private const string Prints = """
        using MyApp;
        using var digits = Digits.Load();
        long size = 1;
        foreach (var dimension in Digits.Inputs.Pixels.Shape) size *= Math.Max(1, dimension);
        using var stream = Digits.OpenRead();
        var head = new byte[8];
        stream.ReadExactly(head);
        Console.Write($"{digits.Variant} {digits.Run(new float[size]).Scores.Length} {System.Text.Encoding.ASCII.GetString(head, 4, 4) == "ORTM"}");
        """;

    private readonly App _app = new() { UsesRealWorker = true, ReferencesOnnxRuntime = true };

    public OrtFormat()
    {
        File.Copy(Path.Combine(Repository.Root, "samples/MeterReader/Models/digits.onnx"), _app.At("models/digits.onnx"), overwrite: true);
        _app.Write("Program.cs", Prints);
    }

    public void Dispose() => _app.Dispose();

    [TestMethod]
    [DataRow("", "digits.ort")]
    [DataRow("Compress=\"true\"", "digits.ort.br")]
    [DataRow("Embed=\"false\"", "digits.ort")]
    public void The_app_runs_the_model_in_ORT_format(string metadata, string artifact)
    {
        _app.Items = $"""<OptimizedModel Include="models/digits.onnx" Format="Ort" Targets="cpu" {metadata} />""";

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        Assert.AreEqual("cpu 10 True", _app.Execute("bin/Debug/net10.0/app.dll"));
        Assert.IsTrue(File.Exists(At(artifact)));
        var operators = File.ReadAllText(At("digits.required_operators.config"));
        StringAssert.Contains(operators, "Conv");
        Assert.AreEqual(0, _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed().TaskRuns("OptimizeModels"));

        // From the cache nothing is started, and the operators are there again.
        Directory.Delete(_app.At("obj"), recursive: true);
        _app.Build("-p:ModelMeasurement=Skip", "-p:ModelBuildDotNetHost=/nowhere/host").ShouldSucceed();
        Assert.AreEqual(operators, File.ReadAllText(At("digits.required_operators.config")));
        Assert.AreEqual("cpu 10 True", _app.Execute("bin/Debug/net10.0/app.dll"));

        // Switched off, the build ships the source, which is no ORT file.
        _app.Build("-p:ModelBuildEnabled=false").ShouldSucceed();
        Assert.AreEqual("cpu 10 False", _app.Execute("bin/Debug/net10.0/app.dll"));

        _app.Run("clean", "-p:ModelMeasurement=Skip").ShouldSucceed();
        Assert.IsFalse(File.Exists(At("digits.required_operators.config")));
    }

    [TestMethod]
    public void A_model_beside_the_app_is_published_and_locked_under_its_own_extension()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Format="Ort" Targets="cpu" Embed="false" />""";
        _app.Build("-t:UpdateModelLock", "-p:ModelMeasurement=Skip").ShouldSucceed();
        Directory.Delete(_app.At("cache"), recursive: true);
        Directory.Delete(_app.At("obj"), recursive: true);

        _app.Run("publish", "-p:ModelMeasurement=Skip", "-p:ModelLockedMode=true", "-o", _app.At("out")).ShouldSucceed();

        Assert.AreEqual("cpu 10 True", _app.Execute("out/app.dll"));
        CollectionAssert.AreEqual(new[] { "digits.cpu.ort" }, Directory.GetFiles(_app.At("out/models")).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void A_target_with_a_compiler_of_its_own_is_refused_unless_it_keeps_to_ONNX()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Format="Ort" Targets="cpu;cuda" />""";
        _app.Build("-p:ModelMeasurement=Skip").ShouldFailWith("MBT0003");

        _app.Items += """<OptimizedModelTarget Include="cuda" Model="digits" Format="Onnx" />""";
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        Assert.AreEqual("cpu 10 True", _app.Execute("bin/Debug/net10.0/app.dll"));
        CollectionAssert.AreEquivalent(new[] { "models/digits.cpu.ort", "models/digits.cuda.onnx" }, ManifestModels.Read(File.ReadAllBytes(_app.At("bin/Debug/net10.0/app.dll"))).Select(model => model.Name).ToArray());
    }

    private string At(string file) => _app.At($"obj/Debug/net10.0/modelbuild/digits/cpu/{file}");
}
