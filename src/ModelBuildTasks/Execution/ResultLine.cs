using System;
using System.Collections.Generic;
using System.Globalization;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Execution;

/// <summary>
/// A result in one line: <c>digits (cpu): 1,325 KB → 350 KB, drop 0.00 points, latency × 0.36</c>. What was not measured is left out. Of a pruned
/// model the line says what its zeros buy: <c>1,325 KB → 1,316 KB (at most 302 KB with Compress="true")</c>.
/// </summary>
internal static class ResultLine
{
    // Below this, kilobytes would hide the difference.
    private const long SmallestInKilobytes = 10 * 1024;

    public static string Of(string name, OptimizationResult result)
    {
        var parts = new List<string>();
        if (result is { Original: { } original, Optimized: { } optimized })
        {
            parts.Add($"{Size(original.Bytes)} → {Size(optimized.Bytes)}{Compressed(result, optimized)}");
            if (original.Multiplications is { } whole && optimized.Multiplications is { } left && left != whole)
            {
                parts.Add(Invariant($"multiplications × {(double)left / whole:0.00}"));
            }
        }

        if (result.AccuracyDrop is { } drop)
        {
            parts.Add(Drop(drop));
        }

        if (result.LatencyRatio is { Measured: true, Value: { } ratio })
        {
            parts.Add(Invariant($"latency × {ratio:0.00}{(result.Device is { } measured ? Invariant($" on {measured.Device.Processor}, {measured.MeasuredUtc:yyyy-MM-dd}") : "")}"));
        }

        if (result.FromCache)
        {
            parts.Add("from the cache");
        }

        return $"{name} ({result.Target}): {string.Join(", ", parts)}";
    }

    private static string Compressed(OptimizationResult result, ModelFigures optimized) =>
        optimized.CompressedBytes is not { } bytes ? ""
        : result.IsCompressed ? $" ({Size(bytes)} compressed)"
        : $" (at most {Size(bytes)} with Compress=\"true\")";

    private static string Drop(AccuracyDrop drop) => drop.Metric.IsShare()
        ? Invariant($"drop {100 * drop.Value:0.00;-0.00;0.00} points")
        : Invariant($"{drop.Metric} drop {drop.Value:0.####;-0.####;0}");

    private static string Size(long bytes) => bytes < SmallestInKilobytes ? Invariant($"{bytes:N0} bytes") : Invariant($"{bytes / 1024.0:N0} KB");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
