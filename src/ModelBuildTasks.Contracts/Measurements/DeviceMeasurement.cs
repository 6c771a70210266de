using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// What <c>modelbuild measure</c> found out about an artifact on some device: a file to be committed, by which builds that can't run the artifact judge its
/// budgets of latency and memory. docs/MEASURING.md describes it for users.
/// </summary>
public sealed class DeviceMeasurement
{
    private const int Version = 1;

    /// <summary>Files of this kind have some 5 KB; what is far larger is something else.</summary>
    private const long MostBytes = 4 << 20;

    /// <summary>The model's logical name.</summary>
    public string Model { get; set; } = "";

    /// <summary>The target profile that the artifact was made for.</summary>
    public string Target { get; set; } = "";

    /// <summary>SHA-256 of the ONNX file, not compressed.</summary>
    public string Artifact { get; set; } = "";

    /// <summary>Digest of the model that <see cref="Ratio"/> is against, as the lock file has it (see <see cref="RequestInputs.DigestOfModel"/>); null without one.</summary>
    public string? Baseline { get; set; }

    public DateTime MeasuredUtc { get; set; }

    public MeasuredDevice Device { get; set; } = new();

    /// <summary>Threads inside an operator.</summary>
    public int Threads { get; set; } = 1;

    /// <summary>Milliseconds of one run.</summary>
    public MeasuredValue? Latency { get; set; }

    /// <summary>Milliseconds of one run of the baseline; null without one.</summary>
    public MeasuredValue? BaselineLatency { get; set; }

    /// <summary>Latency over the baseline's, in pairs; null without one.</summary>
    public MeasuredValue? Ratio { get; set; }

    /// <summary>Runs, or pairs of runs where there is a baseline.</summary>
    public int Runs { get; set; }

    /// <summary>Milliseconds to open a session.</summary>
    public double? LoadMilliseconds { get; set; }

    /// <summary>Processor time over elapsed time and <see cref="MeasuredDevice.Cores"/>, 0 to 1.</summary>
    public double? ProcessorUse { get; set; }

    /// <summary>By batch size.</summary>
    public IReadOnlyList<BatchThroughput> Throughput { get; set; } = [];

    /// <summary>Bytes of memory that loading and running takes; see docs/BUDGETS.md. Null when not measured.</summary>
    public long? PeakMemory { get; set; }

    /// <summary>The same of the baseline.</summary>
    public long? BaselinePeakMemory { get; set; }

    /// <summary>Null when not measured.</summary>
    public OperatorProfile? Profile { get; set; }

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is no measurement of this version; see <see cref="LineOf"/>.</exception>
    public static DeviceMeasurement Read(string path) =>
        new FileInfo(path).Length <= MostBytes ? Parse(File.ReadAllText(path)) : throw new InvalidDataException("it is too large for a measurement file");

    /// <summary>The line, from 1, that an exception of <see cref="Read(string)"/> is about; 0 when it is about the whole file.</summary>
    public static int LineOf(InvalidDataException fault) => JsonFault.LineOf(fault);

    /// <summary>Replaces the file whole, or leaves it as it was.</summary>
    public void Write(string path) => WholeFile.Write(path, ToJson());

    internal string ToJson() => new JsonWriter().Object(Write) + "\n";

    internal static DeviceMeasurement Parse(string text) => Read(JsonObject.Parse(text));

    internal void Write(JsonWriter json)
    {
        json.Add("version", Version)
            .Add("model", Model)
            .Add("target", Target)
            .Add("artifact", Artifact)
            .Add("baseline", Baseline)
            .Add("measured", MeasuredUtc.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture))
            .Object("device", Device.Write)
            .Add("threads", Threads)
            .Object("latencyMilliseconds", Latency is null ? null : Latency.Write)
            .Object("baselineLatencyMilliseconds", BaselineLatency is null ? null : BaselineLatency.Write)
            .Object("latencyRatio", Ratio is null ? null : Ratio.Write)
            .Add("runs", Runs)
            .Add("loadMilliseconds", LoadMilliseconds)
            .Add("processorUse", ProcessorUse)
            .Objects("throughput", Throughput, (batch, inner) => batch.Write(inner))
            .Add("peakMemoryBytes", PeakMemory)
            .Add("baselinePeakMemoryBytes", BaselinePeakMemory)
            .Object("slowestOperators", Profile is null ? null : Profile.Write);
    }

    internal static DeviceMeasurement Read(JsonObject json)
    {
        if (json.Integer("version") is var version && version != Version)
        {
            throw JsonFault.At(Math.Max(1, json.LineOf("version")), version > Version
                ? $"it has version {version}, and this version of ModelBuildTasks reads {Version}; a newer one wrote it"
                : $"it has version {version?.ToString(CultureInfo.InvariantCulture) ?? "none"}, expected {Version}");
        }

        return new DeviceMeasurement
        {
            Model = json.RequiredText("model"),
            Target = json.RequiredText("target"),
            Artifact = Hash(json, "artifact") ?? throw json.Missing("artifact"),
            Baseline = Hash(json, "baseline"),
            MeasuredUtc = DateTime.TryParse(json.RequiredText("measured"), CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out var time)
                ? time : throw JsonFault.At(json.LineOf("measured"), "'measured' is not a date and time such as 2026-01-31T12:00:00Z"),
            Device = MeasuredDevice.Read(json.Object("device") ?? throw json.Missing("device")),
            Threads = Count(json, "threads") ?? 1,
            Latency = MeasuredValue.Read(json, "latencyMilliseconds"),
            BaselineLatency = MeasuredValue.Read(json, "baselineLatencyMilliseconds"),
            Ratio = MeasuredValue.Read(json, "latencyRatio"),
            Runs = Count(json, "runs") ?? 0,
            LoadMilliseconds = json.Number("loadMilliseconds"),
            ProcessorUse = json.Number("processorUse"),
            Throughput = [.. json.Objects("throughput").Select(BatchThroughput.Read)],
            PeakMemory = Bytes(json, "peakMemoryBytes"),
            BaselinePeakMemory = Bytes(json, "baselinePeakMemoryBytes"),
            Profile = OperatorProfile.Read(json.Object("slowestOperators")),
        };
    }

    private static string? Hash(JsonObject json, string name) => json.Text(name) is not { } text ? null
        : ContentHash.IsHash(text) ? text
        : throw JsonFault.At(json.LineOf(name), $"'{name}' is not a SHA-256 in lower-case hexadecimal");

    private static int? Count(JsonObject json, string name) => json.Integer(name) is not { } count ? null
        : count is > 0 and <= int.MaxValue ? (int)count
        : throw JsonFault.At(json.LineOf(name), $"'{name}' is not a count of at least 1");

    private static long? Bytes(JsonObject json, string name) => json.Integer(name) is not { } bytes ? null
        : bytes >= 0 ? bytes
        : throw JsonFault.At(json.LineOf(name), $"'{name}' is not a number of bytes");
}

/// <summary>Samples that one session runs in a second, so many at once.</summary>
public sealed class BatchThroughput
{
    public int Batch { get; set; }

    public double SamplesPerSecond { get; set; }

    internal static BatchThroughput Read(JsonObject json) => new()
    {
        Batch = (int)Math.Min(int.MaxValue, json.Integer("batch") ?? 0),
        SamplesPerSecond = json.Number("samplesPerSecond") ?? 0,
    };

    internal void Write(JsonWriter json) => json.Add("batch", Batch).Add("samplesPerSecond", (double?)SamplesPerSecond);
}
