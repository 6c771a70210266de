namespace ModelBuildTasks.Contracts.Tests.Measurements;

[TestClass]
public sealed class DeviceMeasurements : IDisposable
{
    private static readonly DeviceMeasurement s_measurement = new()
    {
        Model = "digits",
        Target = TargetNames.CpuArm64,
        Artifact = ContentDigest.OfText("artifact"),
        Baseline = ContentDigest.OfText("source"),
        MeasuredUtc = new DateTime(2026, 11, 17, 10, 12, 13, DateTimeKind.Utc),
        Device = new MeasuredDevice
        {
            Processor = "implementer 0x41 part 0xd0b (Arm64)", Cores = 4, OperatingSystem = "Debian 12", Architecture = "Arm64", Runtime = "1.31.1", ExecutionProvider = "CPUExecutionProvider",
        },
        Latency = new MeasuredValue(3.2, 3.1, 3.3),
        BaselineLatency = new MeasuredValue(8, 7.9, 8.2),
        Ratio = new MeasuredValue(0.4, 0.39, 0.41),
        Runs = 200,
        LoadMilliseconds = 12.5,
        ProcessorUse = 0.25,
        Throughput = [new BatchThroughput { Batch = 8, SamplesPerSecond = 400 }],
        PeakMemory = 12_000_000,
        BaselinePeakMemory = 30_000_000,
        Profile = new OperatorProfile { Original = [new OperatorTime { Name = "conv", OpType = "Conv", Milliseconds = 4, Share = 0.5 }] },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("modelbuild ü ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void A_measurement_comes_back_as_it_was_written() =>
        Assert.AreEqual(s_measurement.ToJson(), DeviceMeasurement.Parse(s_measurement.ToJson()).ToJson());

    [TestMethod]
    public void What_was_not_measured_is_absent()
    {
        var read = DeviceMeasurement.Parse(new DeviceMeasurement
        {
            Model = "digits", Target = "cpu", Artifact = s_measurement.Artifact, Device = s_measurement.Device, Runs = 1,
        }.ToJson());

        Assert.IsNull(read.Latency);
        Assert.IsNull(read.Ratio);
        Assert.IsNull(read.PeakMemory);
        Assert.IsNull(read.Profile);
        Assert.IsEmpty(read.Throughput);
    }

    [TestMethod]
    [DataRow("\"version\": 1", "\"version\": 2", "a newer one wrote it")]
    [DataRow("\"model\": \"digits\"", "\"model\": null", "'model' is missing")]
    [DataRow("\"artifact\": \"", "\"artifact\": \"A", "'artifact' is not a SHA-256")]
    [DataRow("2026-11-17T10:12:13Z", "yesterday", "'measured' is not a date")]
    [DataRow("\"low\": 3.1", "\"low\": 3.25", "'latencyMilliseconds' needs numbers above 0")]
    [DataRow("\"low\": 3.1", "\"low\": -1", "'latencyMilliseconds' needs numbers above 0")]
    [DataRow("\"high\": 3.3", "\"high\": \"Infinity\"", "'latencyMilliseconds' needs numbers above 0")]
    [DataRow("\"runs\": 200", "\"runs\": \"many\"", "'runs' is not a whole number")]
    [DataRow("\"runs\": 200", "\"runs\": 0", "'runs' is not a count")]
    [DataRow("\"peakMemoryBytes\": 12000000", "\"peakMemoryBytes\": -1", "'peakMemoryBytes' is not a number of bytes")]
    [DataRow("\"model\": \"digits\"", "\"model\": \"a\\nb\"", "'model' is not text on one line")]
    [DataRow("\"architecture\": \"Arm64\",", "", "'architecture' is missing")]
    public void A_member_that_can_not_be_believed_is_refused_with_its_line(string written, string changed, string reason)
    {
        var text = s_measurement.ToJson();
        StringAssert.Contains(text, written);

        var fault = Assert.ThrowsExactly<InvalidDataException>(() => DeviceMeasurement.Parse(text.Replace(written, changed)));

        StringAssert.Contains(fault.Message, reason);
        Assert.IsGreaterThan(0, DeviceMeasurement.LineOf(fault));
    }

    [TestMethod]
    public void A_fault_names_the_line_that_it_is_on()
    {
        var lines = s_measurement.ToJson().Split('\n').ToList();
        var line = lines.FindIndex(text => text.Contains("\"measured\"")) + 1;
        lines[line - 1] = lines[line - 1].Replace("2026", "MMXXVI");

        var fault = Assert.ThrowsExactly<InvalidDataException>(() => DeviceMeasurement.Parse(string.Join('\n', lines)));

        Assert.AreEqual(line, DeviceMeasurement.LineOf(fault));
    }

    [TestMethod]
    public void A_file_that_is_far_too_large_is_not_read()
    {
        var path = Path.Combine(_folder, "measurement.json");
        using (var file = File.Create(path))
        {
            file.SetLength(1L << 40);
        }

        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => DeviceMeasurement.Read(path)).Message, "too large");
    }
}
