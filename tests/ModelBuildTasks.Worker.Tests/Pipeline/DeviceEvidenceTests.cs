using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Budgets of a target that does not run here, judged by what another device measured.</summary>
[TestClass]
public sealed class DeviceEvidenceTests : IDisposable
{
    private const string Phone = "implementer 0x41 part 0xd0b (Arm64)";

    private readonly Workplace place = Workplace.With(SmallModels.Mlp());
    private readonly string artifact;

    public DeviceEvidenceTests() => artifact = Run().ArtifactSha256!;

    public void Dispose() => place.Dispose();

    [TestMethod]
    [DataRow(2.0, Verdict.Failed)]
    [DataRow(3.2, Verdict.Undecided)]
    [DataRow(4.0, Verdict.Passed)]
    public void MaxLatency_is_judged_by_the_measurement(double limit, Verdict expected)
    {
        OptimizationResult result = Run(request => request.Budgets.MaxLatencyMilliseconds = limit, Measured());

        JudgedBudget budget = result.Budgets.Single();
        Assert.AreEqual(expected, budget.Verdict);
        StringAssert.Contains(budget.Sentence, $"200 pairs, 1 thread, {Phone}, CPUExecutionProvider, measured on 2026-11-17");
    }

    [TestMethod]
    public void A_broken_budget_names_the_device_and_the_day()
    {
        Diagnostic diagnostic = Run(request => request.Budgets.MaxLatencyRatio = 0.1, Measured()).Diagnostics.Single(found => found.IsBudget);

        Assert.AreEqual("MBT2003", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, $"{Phone}, CPUExecutionProvider, measured on 2026-11-17");
    }

    [TestMethod]
    public void MaxMemory_is_judged_by_the_measurement()
    {
        OptimizationResult result = Run(request => request.Budgets.MaxMemoryBytes = 11_000_000, Measured());

        Assert.AreEqual("MBT2005", result.Diagnostics.Single(found => found.IsBudget).Code);
        StringAssert.Contains(result.Budgets.Single().Sentence, Phone);
    }

    [TestMethod]
    public void The_result_has_what_was_measured()
    {
        OptimizationResult result = Run(null, Measured());

        Assert.AreEqual((0.4, Phone, 200, true), (result.LatencyRatio!.Value, result.LatencyRatio.Processor, result.LatencyRatio.Pairs, result.LatencyRatio.Measured));
        Assert.AreEqual((8, 3.2), (result.Original!.LatencyMilliseconds, result.Optimized!.LatencyMilliseconds));
        Assert.AreEqual((30_000_000L, 12_000_000L), (result.Original.PeakMemoryBytes, result.Optimized.PeakMemoryBytes));
        Assert.AreEqual("slow", result.Profile!.Optimized.Single().Name);
        Assert.AreEqual(Phone, result.Device!.Device.Processor);
    }

    [TestMethod]
    public void A_measurement_of_another_artifact_is_refused_with_the_command_that_measures_this_one()
    {
        OptimizationResult result = Run(request => request.Budgets.MaxLatencyMilliseconds = 4, Measured(measured => measured.Artifact = ContentDigest.OfText("another")));

        Assert.AreEqual(Verdict.NotMeasured, result.Budgets.Single().Verdict);
        Diagnostic refusal = result.Diagnostics.Single(found => found.Code == "MBT1014");
        StringAssert.Contains(refusal.Message, artifact[..12]);
        StringAssert.Contains(refusal.Message, Phone);
        StringAssert.Contains(refusal.Message, "'modelbuild measure cpu-arm64/model.cpu.onnx --baseline model.onnx --name model --target cpu-arm64 --output model.cpu-arm64.json'");
        Assert.IsNull(result.Device);
    }

    [TestMethod]
    public void Where_measuring_is_required_a_refused_measurement_fails_the_build()
    {
        OptimizationResult result = Run(
            request => (request.Measurement, request.Budgets.MaxLatencyMilliseconds) = (Measurement.Require, 4), Measured(measured => measured.Artifact = ContentDigest.OfText("another")));

        Assert.AreEqual("MBT2008", result.Diagnostics.Single(found => found.IsBudget).Code);
    }

    [TestMethod]
    public void A_measurement_on_what_the_target_is_not_for_is_refused()
    {
        StringAssert.Contains(Refusal(Measured(measured => measured.Device.Architecture = "X64")), "made on X64");
        StringAssert.Contains(Refusal(Measured(measured => measured.Device.ExecutionProvider = "CUDAExecutionProvider")), "made with CUDAExecutionProvider");
    }

    [TestMethod]
    public void The_latest_measurement_counts_and_one_that_is_out_of_date_beside_it_does_not_matter()
    {
        OptimizationResult result = Run(
            null,
            Measured(measured => measured.Artifact = ContentDigest.OfText("another")),
            Measured(measured => (measured.Latency, measured.MeasuredUtc) = (new MeasuredValue(5, 5, 5), measured.MeasuredUtc.AddDays(1))),
            Measured());

        Assert.AreEqual(5, result.Optimized!.LatencyMilliseconds);
        Assert.IsFalse(result.Diagnostics.Any(found => found.Code == "MBT1014"));
    }

    [TestMethod]
    public void A_ratio_to_another_model_is_no_ratio()
    {
        OptimizationResult result = Run(request => request.Budgets.MaxLatencyRatio = 0.5, Measured(measured => measured.Baseline = ContentDigest.OfText("another")));

        Assert.AreEqual(Verdict.NotMeasured, result.Budgets.Single().Verdict);
        StringAssert.Contains(result.Budgets.Single().Sentence, "another model than this source");
        Assert.IsFalse(result.LatencyRatio!.Measured);
    }

    [TestMethod]
    public void Without_a_baseline_the_ratio_is_unmeasured_and_the_time_is_not()
    {
        OptimizationResult result = Run(
            request => (request.Budgets.MaxLatencyMilliseconds, request.Budgets.MaxLatencyRatio) = (4, 0.5),
            Measured(measured => (measured.Baseline, measured.Ratio, measured.BaselineLatency) = (null, null, null)));

        CollectionAssert.AreEqual(new[] { Verdict.Passed, Verdict.NotMeasured }, result.Budgets.Select(budget => budget.Verdict).ToArray());
        StringAssert.Contains(result.Budgets[1].Sentence, "--baseline");
    }

    [TestMethod]
    public void A_limit_that_was_set_on_the_device_is_judged_and_one_of_another_device_is_not()
    {
        static OptimizationResult Judge(DeviceEvidenceTests tests, string processor) =>
            tests.Run(request => (request.Budgets.MaxLatencyMilliseconds, request.Budgets.MaxLatencyProcessor) = (2, processor), tests.Measured());

        Assert.AreEqual(Verdict.Failed, Judge(this, Phone).Budgets.Single().Verdict);
        OptimizationResult elsewhere = Judge(this, "Some Processor (Arm64)");
        Assert.AreEqual(Verdict.Undecided, elsewhere.Budgets.Single().Verdict);
        Assert.IsTrue(elsewhere.Diagnostics.Any(found => found.Code == "MBT1013"));
    }

    [TestMethod]
    public void What_is_measured_here_is_not_judged_by_files()
    {
        OptimizationResult result = Run(request => (request.Target, request.Measurement) = (TargetNames.Cpu, Measurement.Auto), Measured());

        Assert.IsNull(result.Device);
        Assert.AreEqual(ProcessorName.Current, result.LatencyRatio!.Processor);
    }

    private string Refusal(DeviceMeasurement measured) => Run(null, measured).Diagnostics.Single(found => found.Code == "MBT1014").Message;

    [TestMethod]
    public void A_measurement_that_is_dated_in_the_future_is_refused() =>
        StringAssert.Contains(Refusal(Measured(measured => measured.MeasuredUtc = DateTime.UtcNow.AddDays(30))), "which is in the future");

    private OptimizationResult Run(Action<OptimizationRequest>? change = null, params DeviceMeasurement[] measurements) => Workplace.Run(place.Request(request =>
    {
        request.Target = TargetNames.CpuArm64;
        request.Measurement = Measurement.Auto;
        request.Settings.Precision = Precision.Float32;
        foreach ((int index, DeviceMeasurement measurement) in measurements.Index())
        {
            measurement.Write(place[$"measurement{index}.json"]);
            request.Measurements.Add(RequestInputs.OfMeasurement(place[$"measurement{index}.json"]));
        }

        change?.Invoke(request);
    }));

    private DeviceMeasurement Measured(Action<DeviceMeasurement>? change = null)
    {
        DeviceMeasurement measured = new()
        {
            Model = "model",
            Target = TargetNames.CpuArm64,
            Artifact = artifact,
            Baseline = RequestInputs.DigestOfModel(place.ModelPath),
            MeasuredUtc = new DateTime(2026, 11, 17, 0, 0, 0, DateTimeKind.Utc),
            Device = new MeasuredDevice { Processor = Phone, Cores = 4, Architecture = "Arm64", ExecutionProvider = "CPUExecutionProvider" },
            Latency = new MeasuredValue(3.2, 3.1, 3.3),
            BaselineLatency = new MeasuredValue(8, 7.9, 8.1),
            Ratio = new MeasuredValue(0.4, 0.39, 0.41),
            Runs = 200,
            PeakMemory = 12_000_000,
            BaselinePeakMemory = 30_000_000,
            Profile = new OperatorProfile { Optimized = [new OperatorTime { Name = "slow", OpType = "Gemm", Milliseconds = 1, Share = 0.5 }] },
        };
        change?.Invoke(measured);
        return measured;
    }
}
