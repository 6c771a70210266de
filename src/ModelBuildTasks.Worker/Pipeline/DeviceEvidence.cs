using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>What another device measured of an artifact whose latency is not measured here. A measurement speaks of one artifact, known by its hash, and of no other.</summary>
/// <param name="Measurement">The most recent one that is of this artifact; null when there is none.</param>
/// <param name="Refusals">Where there is none, why not.</param>
internal sealed record DeviceEvidence(DeviceMeasurement? Measurement, IReadOnlyList<Diagnostic> Refusals)
{
    /// <summary>Clocks of devices differ, by their time zone where it is set wrongly.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromDays(1);

    /// <summary>No other device measured anything.</summary>
    internal static readonly DeviceEvidence None = new(null, []);

    /// <summary>Digits of a hash by which people tell files apart.</summary>
    private const int ShownDigits = 12;

    /// <summary>Whether <see cref="DeviceMeasurement.Ratio"/> is against the request's own source model.</summary>
    private bool HasBaseline { get; init; }

    internal MeasuredValue? Ratio => HasBaseline ? Measurement?.Ratio : null;

    /// <summary>Latency as the judge takes it; null without a measurement.</summary>
    internal DeviceLatency? Latency => Measurement is not { } measured ? null : new DeviceLatency(
        EstimateOf(measured.Latency),
        EstimateOf(Ratio),
        $"{measured.Runs} {(measured.Ratio is null ? "runs" : "pairs")}, {Quantities.Count(measured.Threads, "thread", "threads")}, {Place(measured)}",
        RatioReason);

    /// <summary>Why there is no ratio, as the end of a sentence; null when there is one.</summary>
    internal string? RatioReason => Measurement is not { } measured || Ratio is not null ? null
        : $"the measurement ({Place(measured)}) has {(measured.Ratio is null ? "no baseline" : "another model than this source for its baseline")}; 'modelbuild measure' takes it with --baseline";

    /// <summary>The ratio as the result file has it.</summary>
    /// <param name="reason">Why this machine measured none.</param>
    internal LatencyRatio Contract(string? reason) => Measurement is { } measured && Ratio is { } ratio
        ? new LatencyRatio { Value = ratio.Value, Low = ratio.Low, High = ratio.High, Pairs = measured.Runs, Measured = true, Processor = measured.Device.Processor, Threads = measured.Threads }
        : new LatencyRatio { Reason = RatioReason ?? reason, Processor = Measurement?.Device.Processor };

    /// <summary>The device and the day, which is how old the measurement is at any time to come.</summary>
    internal static string Place(DeviceMeasurement measured) =>
        string.Create(CultureInfo.InvariantCulture, $"{measured.Device.Processor}, {measured.Device.ExecutionProvider}, measured on {measured.MeasuredUtc:yyyy-MM-dd}");

    internal static DeviceEvidence For(OptimizationRequest request, Outcome outcome, TargetProfile target)
    {
        if (outcome.Latency is not null)
        {
            return None;
        }

        List<DeviceMeasurement> taken = [];
        List<Diagnostic> refusals = [];
        foreach (string path in request.Measurements.Select(input => input.Path))
        {
            try
            {
                DeviceMeasurement measured = DeviceMeasurement.Read(path);
                if (ReasonToRefuse(measured, outcome, target) is { } reason)
                {
                    refusals.Add(Diagnostic.Create(DiagnosticCatalogue.MeasurementRefused, request.ModelPath, request.Name, request.Target, Path.GetFileName(path), reason, Command(request)));
                }
                else
                {
                    taken.Add(measured);
                }
            }
            catch (InvalidDataException fault)
            {
                refusals.Add(Diagnostic.Create(DiagnosticCatalogue.MeasurementUnreadable, path, Path.GetFileName(path), fault.Message).At(path, DeviceMeasurement.LineOf(fault)));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                refusals.Add(Diagnostic.Create(DiagnosticCatalogue.MeasurementUnreadable, path, Path.GetFileName(path), fault.Message.TrimEnd('.')));
            }
        }

        DeviceMeasurement? latest = taken.MaxBy(measured => measured.MeasuredUtc);
        return new DeviceEvidence(latest, latest is null ? refusals : []) { HasBaseline = latest?.Baseline == RequestInputs.DigestOfModel(request.Inputs) };
    }

    private static string? ReasonToRefuse(DeviceMeasurement measured, Outcome outcome, TargetProfile target) =>
        measured.Artifact != outcome.ArtifactSha256
            ? $"it is of the artifact {measured.Artifact[..ShownDigits]}… ({Place(measured)}), and this build made {outcome.ArtifactSha256[..ShownDigits]}…"
        : measured.Device.ExecutionProvider != target.ExecutionProvider
            ? $"it was made with {measured.Device.ExecutionProvider}, and {target} artifacts are for {target.ExecutionProvider}"
        : measured.MeasuredUtc > DateTime.UtcNow + ClockTolerance
            ? $"it is dated {measured.MeasuredUtc:yyyy-MM-dd}, which is in the future: the device's clock is wrong, or the file was edited"
        : target.Architecture is { } architecture && measured.Device.Architecture != architecture.ToString()
            ? $"it was made on {measured.Device.Architecture}, and {target} artifacts are for {architecture}"
        : null;

    /// <summary>What measures the artifact on a device; without whole paths, for results are shared between projects. Builds put an artifact into a folder of its target's name, and source and artifact may have one file name.</summary>
    private static string Command(OptimizationRequest request) =>
        $"modelbuild measure {request.Target}/{Path.GetFileName(request.OutputPath)} --baseline {Path.GetFileName(request.ModelPath)} --name {request.Name} --target {request.Target} --output {request.Name}.{request.Target}.json";

    private static Estimate? EstimateOf(MeasuredValue? value) => value is null ? null : new Estimate(value.Value, value.Low, value.High);
}
