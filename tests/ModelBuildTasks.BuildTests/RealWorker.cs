using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class RealWorker : IDisposable
{
    private const string Sample = "samples/MeterReader";
    private readonly App _app = new() { UsesRealWorker = true, ReferencesOnnxRuntime = true };

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void An_app_that_has_float16_gives_it_and_gets_it()
    {
        File.Copy(Path.Combine(Repository.Root, Sample, "Models", "digits.onnx"), _app.At("models/digits.onnx"), overwrite: true);
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" IoPrecision="Float16" />""";
        _app.Write("Program.cs", """
            using Microsoft.ML.OnnxRuntime;
            using MyApp;
            using var digits = Digits.Load();
            long size = 1;
            foreach (var dimension in Digits.Inputs.Pixels.Shape) size *= Math.Max(1, dimension);
            ReadOnlySpan<Float16> scores = digits.Run(new Float16[size]).Scores;
            Console.Write($"{Digits.Inputs.Pixels.ElementType} {scores.Length} {float.IsFinite((float)scores[0])}");
            """);

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        Assert.AreEqual("Float16 10 True", _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void An_app_with_a_model_in_bfloat16_gives_it_and_gets_it()
    {
        const int bfloat16 = 16;
        // 2 and 3 in bfloat16, in a MatMul, which ONNX Runtime computes in float32 only.
        byte[] weights = [.. Number(1, 2), .. Number(1, 1), .. Number(2, bfloat16), .. Message(8, "w"), .. Message(9, [0x00, 0x40, 0x40, 0x40])];
        _app.Write("models/digits.onnx", Model(
            [Tensor("x", bfloat16, 1, 2)], [Tensor("y", bfloat16, 1, 1)], Message(1, [.. Message(1, "x"), .. Message(1, "w"), .. Message(2, "y"), .. Message(4, "MatMul")]), Message(5, weights)));
        _app.Items = """<OptimizedModel Include="models/digits.onnx" />""";
        _app.Write("Program.cs", """
            using Microsoft.ML.OnnxRuntime;
            using MyApp;
            using var digits = Digits.Load();
            ReadOnlySpan<BFloat16> results = digits.Run(new[] { (BFloat16)1f, (BFloat16)2f }).Y;
            Console.Write($"{Digits.Inputs.X.ElementType} {(float)results[0]}");
            """);

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        Assert.AreEqual("BFloat16 8", _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void A_project_outside_the_repository_gets_a_smaller_model_once_and_from_the_cache_after_that()
    {
        File.Copy(Path.Combine(Repository.Root, Sample, "Models", "digits.onnx"), _app.At("models/digits.onnx"), overwrite: true);
        _app.Items = $"""
            <OptimizedModel Include="models/digits.onnx" Precision="Int8" Quantization="Static" Targets="cpu-x64" MaxSizeRatio="0.4" MaxAccuracyDrop="0.05"
                            CalibrationData="{Path.Combine(Repository.Root, Sample, "Data", "calibration")}"
                            EvaluationData="{Path.Combine(Repository.Root, Sample, "Data", "evaluation")}" />
            """;
        _app.Write("Program.cs", """
            using MyApp;
            using var digits = Digits.Load();
            long size = 1;
            foreach (var dimension in Digits.Inputs.Pixels.Shape) size *= Math.Max(1, dimension);
            Console.Write($"{digits.Variant} {digits.Run(new float[size]).Scores.Length}");
            """);

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
        Assert.AreEqual("cpu-x64 10", _app.Execute("bin/Debug/net10.0/app.dll"));
        var first = Result();
        Assert.IsFalse(first.FromCache);
        Assert.IsNotNull(first.AccuracyDrop);

        Assert.AreEqual(0, _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed().TaskRuns("OptimizeModels"));

        // Nothing can be started, and nothing has to be.
        Directory.Delete(_app.At("obj"), recursive: true);
        _app.Build("-p:ModelMeasurement=Skip", "-p:ModelBuildDotNetHost=/nowhere/host").ShouldSucceed();
        Assert.IsTrue(Result().FromCache);
        Assert.AreEqual(first.ArtifactSha256, Result().ArtifactSha256);
        Assert.AreEqual("cpu-x64 10", _app.Execute("bin/Debug/net10.0/app.dll"));

        // Without the cache, too, the build makes the same.
        Directory.Delete(_app.At("cache"), recursive: true);
        Directory.Delete(_app.At("obj"), recursive: true);
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
        Assert.IsFalse(Result().FromCache);
        Assert.AreEqual(first.ArtifactSha256, Result().ArtifactSha256);
    }

    [TestMethod]
    public void What_is_locked_holds_on_another_path_and_with_another_number_of_threads_without_a_cache()
    {
        using var other = new App { UsesRealWorker = true, ReferencesOnnxRuntime = true };
        foreach (var app in new[] { _app, other })
        {
            File.Copy(Path.Combine(Repository.Root, Sample, "Models", "digits.onnx"), app.At("models/digits.onnx"), overwrite: true);
            app.Items = $"""
                <OptimizedModel Include="models/digits.onnx" Precision="Int8" Quantization="Static" Targets="cpu"
                                CalibrationData="{Path.Combine(Repository.Root, Sample, "Data", "calibration")}" />
                """;
        }

        // Latency is measured, for it is its processor on which the lock promises the bytes.
        _app.Build("-t:UpdateModelLock").ShouldSucceed();
        File.Copy(_app.At("models.lock.json"), other.At("models.lock.json"));
        other.Environment["DOTNET_PROCESSOR_COUNT"] = "1";
        other.Build("-p:ModelLockedMode=true", "-m:1").ShouldSucceed();

        var (locked, again) = (Result(_app), Result(other));
        Assert.IsFalse(again.FromCache);
        Assert.AreEqual(locked.ArtifactSha256, again.ArtifactSha256);
        // Had the bytes been others, the locked build would have said so.
        var text = File.ReadAllText(other.At("models.lock.json"));
        other.Write("models.lock.json", text.Replace(locked.ArtifactSha256!, new string('0', 64), StringComparison.Ordinal));
        other.Build("-p:ModelLockedMode=true").ShouldFailWith("MBT2007");

        static OptimizationResult Result(App app) => OptimizationResult.Read(Directory.GetFiles(app.At("obj"), "*.result.json", SearchOption.AllDirectories).Single());
    }

    [TestMethod]
    public void A_compressed_model_is_a_smaller_resource_and_runs_as_the_same_model_plain()
    {
        File.Copy(Path.Combine(Repository.Root, Sample, "Models", "digits.onnx"), _app.At("models/digits.onnx"), overwrite: true);
        _app.Items = """
            <OptimizedModel Include="models/digits.onnx" Name="plain" Precision="Float32" Pruning="Magnitude" Sparsity="0.8" Targets="cpu-x64" />
            <OptimizedModel Include="models/digits.onnx" Name="packed" Precision="Float32" Pruning="Magnitude" Sparsity="0.8" Targets="cpu-x64" Compress="true" />
            """;
        _app.Write("Program.cs", """
            using MyApp;
            using var plain = Plain.Load();
            using var packed = Packed.Load();
            long size = 1;
            foreach (var dimension in Plain.Inputs.Pixels.Shape) size *= Math.Max(1, dimension);
            var pixels = Enumerable.Range(0, (int)size).Select(i => i % 7 / 7f).ToArray();
            long Length(string name) { using var resource = typeof(Plain).Assembly.GetManifestResourceStream(name)!; return resource.Length; }
            Console.Write($"{plain.Run(pixels).Scores.SequenceEqual(packed.Run(pixels).Scores)} {Length("models/packed.cpu-x64.onnx.br") < 0.3 * Length("models/plain.cpu-x64.onnx")}");
            """);

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
        Assert.AreEqual("True True", _app.Execute("bin/Debug/net10.0/app.dll"));

        Assert.AreEqual(0, _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed().TaskRuns("OptimizeModels"));

        // From the cache without a process, and switched off as the source model.
        Directory.Delete(_app.At("obj"), recursive: true);
        _app.Build("-p:ModelMeasurement=Skip", "-p:ModelBuildDotNetHost=/nowhere/host").ShouldSucceed();
        Assert.AreEqual("True True", _app.Execute("bin/Debug/net10.0/app.dll"));
        _app.Write("Program.cs", """using var packed = MyApp.Packed.Load(); Console.Write(packed.Variant);""");
        _app.Build("-p:ModelBuildEnabled=false").ShouldSucceed();
        Assert.AreEqual("cpu-x64", _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void Int4_packs_the_weights_of_products_and_the_app_runs_them()
    {
        _app.Write("models/digits.onnx", Product(inputs: 64, outputs: 32));
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Int4" MaxSizeRatio="0.3" />""";
        _app.Write("Program.cs", """
            using MyApp;
            using var digits = Digits.Load();
            var scores = digits.Run(System.Linq.Enumerable.Repeat(1f, 64).ToArray()).Scores;
            Console.Write($"{digits.Variant} {scores.Length} {Math.Abs(scores[0] - 6.4f) < 0.1f}");
            """);

        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();

        Assert.AreEqual("cpu 32 True", _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void A_budget_that_the_model_can_not_keep_fails_the_build()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" MaxSize="20B" />""";

        var outcome = _app.Build("-p:ModelMeasurement=Skip").ShouldFailWith("MBT2004");

        Assert.AreEqual(_app.At("models/digits.onnx"), outcome.Errors.Single().File);
    }

    [TestMethod]
    public void A_model_cut_short_is_told_from_one_that_is_none()
    {
        _app.Write("models/digits.onnx", App.Classifier()[..^4]);
        _app.Build().ShouldFailWith("MBT4002");

        _app.Write("models/digits.onnx", "version https://git-lfs.github.com/spec/v1");
        _app.Build().ShouldFailWith("MBT4001");
    }

    [TestMethod]
    public void Data_that_does_not_fit_is_named()
    {
        _app.Write("data/samples.csv", "image,label\n1,0\n2,1\n");
        _app.Items = """<OptimizedModel Include="models/digits.onnx" CalibrationData="data/samples.csv" />""";

        StringAssert.Contains(_app.Build("-p:ModelMeasurement=Skip").ShouldFailWith("MBT4005").Output, "samples.csv");
    }

    private OptimizationResult Result() => OptimizationResult.Read(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu-x64/digits.result.json"));

    /// <summary>scores[N, outputs] = image[N, inputs] · W, with 0.1 for every weight.</summary>
    private static byte[] Product(int inputs, int outputs)
    {
        byte[] weights = [.. Enumerable.Repeat(BitConverter.GetBytes(0.1f), inputs * outputs).SelectMany(bytes => bytes)];
        byte[] initializer = Message(5, [.. Number(1, inputs), .. Number(1, outputs), .. Number(2, Float), .. Message(8, "weights"), .. Message(9, weights)]);
        byte[] product = Message(1, [.. Message(1, "image"), .. Message(1, "weights"), .. Message(2, "scores"), .. Message(4, "MatMul")]);
        return Model([Tensor("image", Float, "N", inputs)], [Tensor("scores", Float, "N", outputs)], product, initializer);
    }
}
