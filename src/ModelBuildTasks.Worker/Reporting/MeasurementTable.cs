using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Statistics;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>A measurement on the console: the device, the artifact beside its baseline where there is one, and where the time goes.</summary>
internal static class MeasurementTable
{
    internal static void Print(DeviceMeasurement measured)
    {
        MeasuredDevice device = measured.Device;
        AnsiConsole.MarkupLineInterpolated($"{device.Processor}, {Quantities.Count(device.Cores, "core", "cores")}, {device.OperatingSystem}");
        AnsiConsole.MarkupLineInterpolated($"ONNX Runtime {device.Runtime}, {device.ExecutionProvider}, {Quantities.Count(measured.Threads, "thread", "threads")}");
        bool isCompared = measured.Baseline is not null;
        Table table = new Table().Border(TableBorder.Simple).AddColumn("");
        if (isCompared)
        {
            table.AddColumn(new TableColumn("Baseline").RightAligned());
        }

        table.AddColumn(new TableColumn("Artifact").RightAligned()).AddColumn("95 % interval");
        void Add(string name, string baseline, string artifact, string interval) => table.AddRow([name, .. isCompared ? [baseline] : Array.Empty<string>(), artifact, Markup.Escape(interval)]);

        if (measured.Latency is { } latency)
        {
            string runs = $"{measured.Runs} {(measured.Ratio is null ? "runs" : "pairs")}";
            Add("Latency", measured.BaselineLatency is { } before ? Quantities.Milliseconds(before.Value) : "", Quantities.Milliseconds(latency.Value), measured.Ratio is { } ratio
                ? $"ratio {Quantities.WithInterval(new Estimate(ratio.Value, ratio.Low, ratio.High), "0.000")}, {runs}"
                : $"{Quantities.WithInterval(new Estimate(latency.Value, latency.Low, latency.High), "0.000")}, {runs}");
        }

        if (measured.PeakMemory is { } memory)
        {
            Add("Memory at most", measured.BaselinePeakMemory is { } whole ? Quantities.Size(whole) : "", Quantities.Size(memory), "");
        }

        if (measured.LoadMilliseconds is { } load)
        {
            Add("Load time", "", Quantities.Milliseconds(load), "");
        }

        foreach (BatchThroughput batch in measured.Throughput)
        {
            Add($"Throughput, {batch.Batch} at once", "", string.Create(CultureInfo.InvariantCulture, $"{batch.SamplesPerSecond:N1} /s"), "");
        }

        if (measured.ProcessorUse is { } use)
        {
            Add("Processor use", "", string.Create(CultureInfo.InvariantCulture, $"{100 * use:0} %"), $"of {Quantities.Count(device.Cores, "core", "cores")}");
        }

        AnsiConsole.Write(table);
        ProfileTable.Print(measured.Profile);
    }

    internal static void PrintUnmeasuredMemory(string reason) => AnsiConsole.MarkupLineInterpolated($"Memory was not measured: {reason}.");
}
