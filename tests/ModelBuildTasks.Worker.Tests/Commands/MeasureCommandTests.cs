using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class MeasureCommandTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public required TestContext TestContext { get; init; }

    private static string Target => TargetNames.Default(System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier);

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task Writes_what_the_device_found_out_and_leaves_nothing_else()
    {
        Directory.CreateDirectory(place["temporary"]);
        string data = place.WriteData("data");
        DateTime before = DateTime.UtcNow.AddSeconds(-1);

        ModelBuildProcess run = await ModelBuildProcess.RunIn(
            new() { ["TMPDIR"] = place["temporary"] }, TestContext.CancellationToken,
            "measure", place.ModelPath, "--baseline", place.ModelPath, "--data", data, "--output", place["measurements/model.json"], "--batch", "1", "4", "--seconds", "0.2");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        DeviceMeasurement measured = DeviceMeasurement.Read(place["measurements/model.json"]);
        Assert.AreEqual(("model", Target, ContentDigest.OfFile(place.ModelPath)), (measured.Model, measured.Target, measured.Artifact));
        Assert.AreEqual(RequestInputs.DigestOfModel(place.ModelPath), measured.Baseline);
        Assert.AreEqual((ProcessorName.Current, "CPUExecutionProvider"), (measured.Device.Processor, measured.Device.ExecutionProvider));
        Assert.IsTrue(measured.MeasuredUtc >= before && measured.MeasuredUtc <= DateTime.UtcNow);
        Assert.IsTrue(measured is { Latency: not null, BaselineLatency: not null, Ratio: not null, LoadMilliseconds: > 0, ProcessorUse: > 0, PeakMemory: > 0, BaselinePeakMemory: > 0 });
        CollectionAssert.AreEqual(new[] { 1, 4 }, measured.Throughput.Select(batch => batch.Batch).ToArray());
        Assert.IsTrue(measured.Profile is { Original.Count: > 0, Optimized.Count: > 0 });
        Assert.Contains($"Written: {place["measurements/model.json"]}", run.Lines);
        Assert.IsEmpty(Directory.GetDirectories(place["temporary"], "modelbuild-*"), "Traces and samples must be deleted.");
    }

    [TestMethod]
    public async Task Without_a_baseline_the_artifact_is_measured_by_itself()
    {
        ModelBuildProcess run = await Measure("--name", "digits", "--target", "cpu", "--threads", "2");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        DeviceMeasurement measured = DeviceMeasurement.Read(place["model.json"]);
        Assert.AreEqual(("digits", "cpu", 2), (measured.Model, measured.Target, measured.Threads));
        Assert.IsTrue(measured is { Latency: not null, Ratio: null, Baseline: null });
        Assert.IsTrue(run.Lines.Any(line => line.StartsWith("Latency", StringComparison.Ordinal)));
        Assert.IsTrue(run.Lines.Any(line => line.Contains("Gemm", StringComparison.Ordinal)));
    }

    [TestMethod]
    public async Task A_compressed_artifact_is_known_by_the_model_in_it()
    {
        OptimizationResult result = Workplace.Run(place.Request(request => (request.Compress, request.OutputPath) = (true, place["model.onnx.br"])));
        Assert.IsTrue(result.IsCompressed);

        ModelBuildProcess run = await ModelBuildProcess.Run(TestContext.CancellationToken, "measure", place["model.onnx.br"], "--output", place["model.json"], "--seconds", "0.1");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        Assert.AreNotEqual(result.ArtifactSha256, DeviceMeasurement.Read(place["model.json"]).Artifact);
        Assert.AreEqual("model", DeviceMeasurement.Read(place["model.json"]).Model);
    }

    [TestMethod]
    public async Task A_target_that_does_not_run_here_is_not_measured()
    {
        (await Measure("--target", "cuda")).AssertFailsWith("MBT0003", place.ModelPath);
        Assert.IsFalse(File.Exists(place["model.json"]));
    }

    [TestMethod]
    public async Task A_baseline_that_is_another_function_is_refused()
    {
        SmallModels.Cnn().Save(place["other.onnx"]);

        (await Measure("--baseline", place["other.onnx"])).AssertFailsWith("MBT4004", place.ModelPath);
    }

    [TestMethod]
    public async Task A_baseline_of_bfloat16_is_measured_as_it_was_compared_in_the_build()
    {
        SmallModels.InBFloat16(SmallModels.Mlp()).Save(place["source.onnx"]);
        Assert.IsTrue(Workplace.Run(place.Request(request => request.ModelPath = place["source.onnx"])).Succeeded);

        ModelBuildProcess run = await ModelBuildProcess.Run(
            TestContext.CancellationToken, "measure", place.OutputPath, "--baseline", place["source.onnx"], "--output", place["model.json"], "--seconds", "0.1");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        DeviceMeasurement measured = DeviceMeasurement.Read(place["model.json"]);
        Assert.AreEqual(RequestInputs.DigestOfModel(place["source.onnx"]), measured.Baseline);
        Assert.IsTrue(measured is { Ratio: not null, BaselinePeakMemory: > 0 });
    }

    [TestMethod]
    public async Task A_model_is_never_written_over()
    {
        byte[] before = File.ReadAllBytes(place.ModelPath);

        (await ModelBuildProcess.Run(TestContext.CancellationToken, "measure", place.ModelPath, "--output", place.ModelPath)).AssertFailsWith("MBT0003", place.ModelPath);

        CollectionAssert.AreEqual(before, File.ReadAllBytes(place.ModelPath));
    }

    [TestMethod]
    public async Task Samples_are_never_written_over()
    {
        string data = Path.Combine(place.WriteData("data"), "x.npy");
        byte[] before = File.ReadAllBytes(data);

        (await ModelBuildProcess.Run(TestContext.CancellationToken, "measure", place.ModelPath, "--data", data, "--output", data, "--seconds", "0.1")).AssertFailsWith("MBT0003", place.ModelPath);

        CollectionAssert.AreEqual(before, File.ReadAllBytes(data));
    }

    [TestMethod]
    public async Task Missing_files_are_named()
    {
        (await Measure("--baseline", place["nowhere.onnx"])).AssertFailsWith("MBT0004", place["nowhere.onnx"]);
        (await Measure("--data", place["nowhere"])).AssertFailsWith("MBT4006", place["nowhere"]);
    }

    [TestMethod]
    [DataRow("--threads", "0", "--threads takes a number from 1")]
    [DataRow("--batch", "0", "--batch takes numbers from 1")]
    [DataRow("--seconds", "0", "--seconds takes a number from 0.1")]
    public async Task Numbers_that_mean_nothing_are_refused(string option, string value, string message)
    {
        ModelBuildProcess run = await Measure(option, value);

        Assert.AreNotEqual(0, run.AssertPlain().ExitCode);
        StringAssert.Contains(run.Errors, message);
    }

    private Task<ModelBuildProcess> Measure(params string[] options) =>
        ModelBuildProcess.Run(TestContext.CancellationToken, ["measure", place.ModelPath, "--output", place["model.json"], .. options.Contains("--seconds") ? [] : (string[])["--seconds", "0.1"], .. options]);
}
