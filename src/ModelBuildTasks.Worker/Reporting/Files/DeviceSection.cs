using System.Globalization;
using System.Xml.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>What the page says of a measurement that another device made.</summary>
internal static class DeviceSection
{
    internal static XElement? Of(DeviceMeasurement? measured, DateTime now)
    {
        if (measured is not { Device: { } device })
        {
            return null;
        }

        string age = now - measured.MeasuredUtc is { TotalDays: >= 1 } old ? $", {Quantities.Count((int)old.TotalDays, "day", "days")} ago" : "";
        string throughput = string.Join(", ", measured.Throughput.Select(batch => string.Create(CultureInfo.InvariantCulture, $"{batch.SamplesPerSecond:N0} a second by {batch.Batch}")));
        return new XElement("p", string.Create(CultureInfo.InvariantCulture, $"Latency and memory are from another device, measured on {measured.MeasuredUtc:yyyy-MM-dd}{age}: "),
            new XElement("strong", device.Processor),
            $", {Quantities.Count(device.Cores, "core", "cores")}, {device.OperatingSystem}, ONNX Runtime {device.Runtime}, {device.ExecutionProvider}, {Quantities.Count(measured.Threads, "thread", "threads")}.",
            throughput.Length > 0 ? $" Samples: {throughput}." : "");
    }
}
