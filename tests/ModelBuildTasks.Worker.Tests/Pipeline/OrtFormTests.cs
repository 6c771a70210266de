using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Measuring;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Requests for an artifact in ORT format.</summary>
[TestClass]
public sealed class OrtFormTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Cnn());

    public required TestContext TestContext { get; init; }

    private string Output => place["obj/model.ort"];

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void The_slowest_operators_are_those_of_the_file_that_ships()
    {
        OptimizationResult result = Workplace.Run(Ort(request => (request.Measurement, request.Settings.Precision) = (Measurement.Auto, Precision.Float32)));

        OperatorProfile shipped = SlowestOperators.Of(null, Output, [Tensor.Create([1, 1, 8, 8], new float[64])], new SessionSettings(), TestContext.CancellationToken)!;
        CollectionAssert.AreEquivalent(shipped.Optimized.Select(time => time.OpType).ToArray(), result.Profile!.Optimized.Select(time => time.OpType).ToArray());
    }

    [TestMethod]
    [DataRow(TargetNames.Cpu, Quantization.None)]
    [DataRow(TargetNames.Cpu, Quantization.Static)]
    [DataRow(TargetNames.CpuX64, Quantization.Static)]
    [DataRow(TargetNames.CpuX64, Quantization.Dynamic)]
    [DataRow(TargetNames.CpuArm64, Quantization.Static)]
    public void The_output_is_in_ORT_format_and_gives_what_the_ONNX_form_gives(string target, Quantization quantization)
    {
        void Form(OptimizationRequest request)
        {
            (request.Target, request.Settings.Quantization) = (target, quantization);
            request.CalibrationData = place.WriteData("calibration");
        }

        OptimizationResult result = Workplace.Run(Ort(Form));
        OptimizationResult onnx = Workplace.Run(place.Request(Form));

        Assert.IsTrue(result.Succeeded, string.Join('\n', result.Diagnostics.Select(diagnostic => diagnostic.Message)));
        byte[] file = File.ReadAllBytes(Output);
        Assert.AreEqual("ORTM", System.Text.Encoding.ASCII.GetString(file, 4, 4));
        Assert.AreEqual(ContentDigest.OfFile(Output), result.ArtifactSha256);
        Assert.AreEqual(file.Length, result.Optimized!.Bytes);
        using ModelSession expected = ModelSession.Open(onnx.ArtifactPath!);
        Tensor[] input = [Tensor.Create([1, 1, 8, 8], [.. Enumerable.Range(0, 64).Select(i => MathF.Sin(i))])];
        float[] scores = expected.Run(input)[0].ToSingles();
        foreach (ModelSession session in (ModelSession[])[ModelSession.Open(Output), ModelSession.Open(file)])
        {
            using (session)
            {
                float[] found = session.Run(input)[0].ToSingles();
                float scale = scores.Max(MathF.Abs);
                for (int i = 0; i < scores.Length; i++)
                {
                    Assert.AreEqual(scores[i], found[i], 0.05f * scale);
                }
            }
        }
    }

    [TestMethod]
    public void The_operators_that_it_needs_lie_beside_it_and_are_in_the_result()
    {
        OptimizationResult result = Workplace.Run(Ort());

        string[] lines = File.ReadAllLines(place["obj/model.required_operators.config"]);
        StringAssert.StartsWith(lines[0], "# ");
        CollectionAssert.AreEqual(result.RequiredOperators.ToArray(), lines[1..]);
        StringAssert.Contains(string.Join('\n', lines), "Conv");
        result.Write(place["result.json"]);
        CollectionAssert.AreEqual(result.RequiredOperators.ToArray(), OptimizationResult.Read(place["result.json"]).RequiredOperators.ToArray());
        CollectionAssert.AreEquivalent(new[] { Output, place["obj/model.required_operators.config"] }, Directory.GetFiles(place["obj"]), "No temporary file may stay.");
    }

    [TestMethod]
    public void The_cache_gives_the_same_file()
    {
        OptimizationResult first = Workplace.Run(Ort());
        File.Delete(Output);

        OptimizationResult second = Workplace.Run(Ort());

        Assert.IsFalse(first.FromCache);
        Assert.IsTrue(second.FromCache);
        Assert.AreEqual(first.ArtifactSha256, second.ArtifactSha256);
        Assert.AreEqual(first.ArtifactSha256, ContentDigest.OfFile(Output));
    }

    [TestMethod]
    public void It_is_made_the_same_without_a_cache_and_as_the_lock_file_has_it()
    {
        OptimizationResult first = Workplace.Run(Ort());

        OptimizationResult again = Workplace.Run(Ort(request =>
        {
            request.CacheDirectory = place["cold"];
            request.Locked = LockedChoice.Of(LockEntry.Of(request, first), request)!;
        }));

        Assert.IsFalse(again.FromCache);
        Assert.AreEqual(first.ArtifactSha256, again.ArtifactSha256);
    }

    [TestMethod]
    public void It_is_compressed_in_this_format()
    {
        OptimizationResult plain = Workplace.Run(Ort());
        OptimizationResult result = Workplace.Run(Ort(request => (request.Compress, request.OutputPath) = (true, place["obj/small.ort.br"])));

        CompressedModel.Restore(place["obj/small.ort.br"], place["restored.ort"]);
        Assert.AreEqual(plain.ArtifactSha256, ContentDigest.OfFile(place["restored.ort"]));
        Assert.IsTrue(result.IsCompressed);
        Assert.IsTrue(File.Exists(place["obj/small.required_operators.config"]));
    }

    [TestMethod]
    public void Size_is_judged_by_what_ships()
    {
        long shipped = Workplace.Run(Ort()).Optimized!.Bytes;

        Assert.DoesNotContain("MBT2004", Codes(Ort(request => request.Budgets.MaxSizeBytes = shipped)));
        Assert.Contains("MBT2004", Codes(Ort(request => request.Budgets.MaxSizeBytes = shipped - 1)));
    }

    [TestMethod]
    public void Latency_and_memory_are_measured()
    {
        OptimizationResult result = Workplace.Run(Ort(request => (request.Measurement, request.Budgets.MaxMemoryBytes) = (Measurement.Auto, 1L << 40)));

        Assert.IsTrue(result.LatencyRatio!.Measured);
        Assert.IsNotNull(result.Optimized!.PeakMemoryBytes);
    }

    [TestMethod]
    [DataRow(TargetNames.Cuda)]
    [DataRow(TargetNames.TensorRt)]
    [DataRow(TargetNames.DirectMl)]
    public void A_target_that_is_no_processor_is_refused(string target) =>
        StringAssert.Contains(place.Fails("MBT0003", place.Request(request => (request.Target, request.Settings.Format) = (target, ArtifactFormat.Ort))).Message, target);

    [TestMethod]
    [DataRow("1.16.3")]
    [DataRow("1.20.1")]
    public void It_runs_in_older_releases(string version)
    {
        AppRuntime runtime = OlderRuntimes.Require(version);

        OptimizationResult result = Workplace.Run(Ort(request => request.Runtime = runtime));

        Assert.IsTrue(result.Succeeded, string.Join('\n', result.Diagnostics.Select(diagnostic => diagnostic.Message)));
    }

    [TestMethod]
    public void A_release_that_does_not_read_it_is_named_with_the_format_that_it_reads()
    {
        OptimizationRequest request = place.Request(request =>
            (request.Settings.Format, request.Runtime) = (ArtifactFormat.Ort, new AppRuntime { Package = "Microsoft.ML.OnnxRuntime", Version = "1.15.1" }));

        string message = place.Fails("MBT4014", request).Message;
        StringAssert.Contains(message, "ORT format needs ONNX Runtime 1.16, and the project references 1.15.1");
        StringAssert.Contains(message, "Format=\"Onnx\"");
    }

    [TestMethod]
    public void A_damaged_model_is_refused_as_ever()
    {
        File.WriteAllText(place.ModelPath, "Hello");

        place.Fails("MBT4001", place.Request(request => request.Settings.Format = ArtifactFormat.Ort));
    }

    [TestMethod]
    public void It_is_a_remote_cache_s_too()
    {
        using CacheServer server = new();
        string[] folders = ["first", "second"];
        OptimizationResult[] results = [.. folders.Select(folder => Workplace.Run(Ort(request => (request.CacheDirectory, request.RemoteCache) = (place[folder], server.Url))))];

        Assert.IsTrue(results[1].FromCache);
        Assert.AreEqual(results[0].ArtifactSha256, results[1].ArtifactSha256);
        CollectionAssert.AreEqual(results[0].RequiredOperators.ToArray(), results[1].RequiredOperators.ToArray());
    }

    [TestMethod]
    public void What_came_from_a_remote_cache_is_judged_by_the_measurement_of_what_ships()
    {
        using CacheServer server = new();
        void Remote(OptimizationRequest request, string folder) =>
            (request.Target, request.Measurement, request.CacheDirectory, request.RemoteCache, request.Settings.Precision) = (TargetNames.CpuArm64, Measurement.Require, place[folder], server.Url, Precision.Float32);
        OptimizationResult first = Workplace.Run(Ort(request => Remote(request, "first")));
        DeviceMeasurement measured = new()
        {
            Model = "model",
            Target = TargetNames.CpuArm64,
            Artifact = first.ArtifactSha256!,
            MeasuredUtc = new DateTime(2026, 11, 17, 0, 0, 0, DateTimeKind.Utc),
            Device = new MeasuredDevice { Processor = "a phone", Cores = 4, Architecture = "Arm64", ExecutionProvider = "CPUExecutionProvider" },
            Latency = new MeasuredValue(3.2, 3.1, 3.3),
            Runs = 200,
        };
        measured.Write(place["measured.json"]);

        OptimizationResult second = Workplace.Run(Ort(request =>
        {
            Remote(request, "second");
            request.Measurements.Add(RequestInputs.OfMeasurement(place["measured.json"]));
            request.Budgets.MaxLatencyMilliseconds = 4;
        }));

        Assert.IsTrue(second.Succeeded, string.Join('\n', second.Diagnostics.Select(diagnostic => diagnostic.Message)));
        Assert.IsTrue(second.FromCache);
    }

    [TestMethod]
    public void It_is_converted_once_for_each_artifact()
    {
        using ShippedForm form = new(Ort(), place["candidate.onnx"]);
        File.Copy(place.ModelPath, form.ArtifactPath);
        File.WriteAllText(form.Make(), "as it was");

        Assert.AreEqual("as it was", File.ReadAllText(form.Make()));
        SmallModels.Mlp().Save(form.ArtifactPath);
        using ModelSession session = form.Open();
        Assert.HasCount(2, session.Inputs[0].Shape);
    }

    [TestMethod]
    public void Nothing_stays_of_a_conversion_that_fails()
    {
        using (ShippedForm form = new(Ort(), place["obj/candidate.onnx"]))
        {
            Directory.CreateDirectory(place["obj"]);
            File.WriteAllText(form.ArtifactPath, "Hello");
            Assert.ThrowsExactly<UnconvertibleException>(form.Make);
            File.Delete(form.ArtifactPath);
        }

        Assert.IsEmpty(Directory.GetFileSystemEntries(place["obj"]));
    }

    [TestMethod]
    public async Task Inspect_says_that_it_cannot_be_read_back()
    {
        Workplace.Run(Ort());

        ModelBuildProcess run = await ModelBuildProcess.Run(TestContext.CancellationToken, "inspect", Output);

        run.AssertFailsWith("MBT4001", Output);
        StringAssert.Contains(run.Errors, "ORT format");
    }

    private OptimizationRequest Ort(Action<OptimizationRequest>? change = null) => place.Request(request =>
    {
        (request.OutputPath, request.Settings.Format) = (Output, ArtifactFormat.Ort);
        change?.Invoke(request);
    });

    private static string[] Codes(OptimizationRequest request) => [.. Workplace.Run(request).Diagnostics.Select(diagnostic => diagnostic.Code)];
}
