using System.Runtime.InteropServices;
using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.BuildTests;

/// <summary>ModelMeasurement items: what other devices measured, for targets that the build can't run.</summary>
[TestClass]
public sealed class Measurements : IDisposable
{
    private const string Phone = "measurements/phone.json";
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void A_measurement_of_a_model_has_it_judged_again_and_an_unchanged_one_starts_no_worker()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" /><ModelMeasurement Include="measurements/*.json" />""";
        _app.Build().ShouldSucceed();

        Write(target: TargetNames.Cpu);
        _app.Build().ShouldSucceed();
        Assert.AreEqual(2, _app.WorkerRuns);

        Assert.AreEqual(0, _app.Build().ShouldSucceed().TaskRuns("OptimizeModels"));
        Write("measurements/other.json", model: "letters");
        _app.Build().ShouldSucceed();
        Assert.AreEqual(2, _app.WorkerRuns, "It is of another model.");
    }

    [TestMethod]
    public void A_file_that_is_no_measurement_fails_every_build_at_its_line_before_any_worker()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" /><ModelMeasurement Include="measurements/*.json" />""";
        _app.Write(Phone, "{\n  \"version\": 1,\n  \"model\": 7\n}");

        _app.Build().ShouldFailWith("MBT4012");
        var outcome = _app.Build();

        outcome.ShouldFailWith("MBT4012");
        Assert.AreEqual((_app.At(Phone), 3), (outcome.Errors[0].File, outcome.Errors[0].LineNumber));
        Assert.AreEqual(0, _app.WorkerRuns);
    }

    [TestMethod]
    public void A_target_that_does_not_run_here_is_judged_by_the_device_that_measured_its_artifact()
    {
        if (RuntimeInformation.ProcessArchitecture == Architecture.Arm64)
        {
            Assert.Inconclusive("The target that can't be measured here is cpu-arm64, and this is an ARM64 processor.");
        }

        _app.UsesRealWorker = true;
        _app.Items = """
            <OptimizedModel Include="models/digits.onnx" Targets="cpu-arm64" Precision="Float32" MaxLatency="4ms" MaxMemory="64MB" />
            <ModelMeasurement Include="measurements/*.json" />
            """;
        var unmeasured = _app.Build().ShouldSucceed();
        Assert.Contains("MBT1005", unmeasured.WarningCodes);
        _app.Build("-p:ModelMeasurement=Require").ShouldFailWith("MBT2008");
        var artifact = OptimizationResult.Read(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu-arm64/digits.result.json")).ArtifactSha256!;

        Write(artifact: ContentDigest.OfText("another"));
        Assert.Contains("MBT1014", _app.Build().ShouldSucceed().WarningCodes);

        Write(artifact: artifact, milliseconds: 5);
        _app.Build().ShouldFailWith("MBT2003");
        var again = _app.Build();
        again.ShouldFailWith("MBT2003");
        Assert.AreEqual(0, again.TaskRuns("OptimizeModels"));
        StringAssert.Contains(again.Errors[0].Text, "Cortex-A76, CPUExecutionProvider, measured on 2026-11-17");

        Write(artifact: artifact, milliseconds: 3);
        Assert.IsEmpty(_app.Build("-p:ModelMeasurement=Require", "-p:NoWarn=MBT1004").ShouldSucceed().WarningCodes);
    }

    [TestMethod]
    public void A_limit_of_latency_is_judged_on_the_kind_of_processor_that_the_lock_file_ties_it_to()
    {
        var processor = ProcessorName.Current;
        if (!ProcessorName.AreSame(processor, processor))
        {
            Assert.Inconclusive("This processor can't be told from others, so that no limit is tied to it.");
        }

        _app.UsesRealWorker = true;
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" MaxLatency="0.000001ms" />""";
        _app.Build("-t:UpdateModelLock", "-p:ModelBudgetSeverity=Warning").ShouldSucceed();
        var file = _app.At("models.lock.json");
        StringAssert.Contains(File.ReadAllText(file), "\"maxLatency\": {");

        var here = _app.Build();
        here.ShouldFailWith("MBT2003");
        Assert.AreEqual(0, here.TaskRuns("OptimizeModels"), "The lock file said nothing new.");

        File.WriteAllText(file, File.ReadAllText(file).Replace($"\"processor\": \"{processor}\"", "\"processor\": \"Some Other (X64)\""));
        var elsewhere = _app.Build().ShouldSucceed();
        Assert.Contains("MBT1013", elsewhere.WarningCodes);
        Assert.IsTrue(elsewhere.Warnings.Any(warning => warning.Text.Contains("Some Other (X64)", StringComparison.Ordinal) && warning.Text.Contains(processor, StringComparison.Ordinal)));
        var again = _app.Build().ShouldSucceed();
        Assert.Contains("MBT1013", again.WarningCodes);
        Assert.AreEqual(0, again.TaskRuns("OptimizeModels"));
        _app.Build("-p:ModelMeasurement=Require").ShouldFailWith("MBT2008");
    }

    private void Write(string path = Phone, string model = "digits", string target = TargetNames.CpuArm64, string? artifact = null, double milliseconds = 3)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_app.At(path))!);
        new DeviceMeasurement
        {
            Model = model, Target = target, Artifact = artifact ?? ContentDigest.OfText("artifact"), Runs = 100, PeakMemory = 10 << 20,
            MeasuredUtc = new DateTime(2026, 11, 17, 0, 0, 0, DateTimeKind.Utc),
            Device = new MeasuredDevice { Processor = "Cortex-A76", Architecture = "Arm64", ExecutionProvider = "CPUExecutionProvider" },
            Latency = new MeasuredValue(milliseconds, milliseconds, milliseconds),
        }.Write(_app.At(path));
    }
}
