using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>Prints what the last build made of each model. Starts nothing.</summary>
[MSBuildMultiThreadableTask]
public sealed class ReportModels : Task
{
    // Of a step that did nothing; the rest is in the result file.
    private const int MostReasons = 5;

    /// <summary>What <see cref="ResolveOptimizedModels"/> made of the items.</summary>
    public ITaskItem[] Variants { get; set; } = [];

    public override bool Execute()
    {
        foreach (var variant in Variants.Select(ModelVariant.FromTaskItem))
        {
            foreach (var line in Lines(variant))
            {
                Log.LogMessage(MessageImportance.High, "{0}", line);
            }
        }

        return true;
    }

    private static IEnumerable<string> Lines(ModelVariant variant)
    {
        if (!File.Exists(variant.ResultPath))
        {
            return [$"{variant.Name} ({variant.Target}): not built yet"];
        }

        try
        {
            var result = OptimizationResult.Read(variant.ResultPath);
            return
            [
                $"{variant.Name} ({variant.Target}){(result.FromCache ? ", from the cache" : "")}",
                .. Figures(result),
                .. result.Recipe.SelectMany(step => new[] { $"  {(step.Applied ? "+" : "-")} {step.Name}: {step.Explanation}" }.Concat(step.Reasons.Take(step.Applied ? 0 : MostReasons).Select(reason => $"      {reason}"))),
                .. result.Quantization is null ? Array.Empty<string>() : [$"  every layer and tensor: modelbuild inspect \"{variant.ResultPath}\""],
                .. result.Diagnostics.Select(diagnostic => $"  {diagnostic.Severity} {diagnostic.Code}: {diagnostic.Message}"),
            ];
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return [$"{variant.Name} ({variant.Target}): {exception.Message}"];
        }
    }

    private static IEnumerable<string> Figures(OptimizationResult result)
    {
        if (result is { Original: { } original, Optimized: { } optimized })
        {
            yield return Invariant($"  size      {original.Bytes:N0} → {optimized.Bytes:N0} bytes ({(double)optimized.Bytes / original.Bytes:0.###})");
            if (original.CompressedBytes is { } larger && optimized.CompressedBytes is { } smaller)
            {
                yield return Invariant($"  compressed {larger:N0} → {smaller:N0} bytes ({(double)smaller / larger:0.###}{(result.IsCompressed ? "" : "; Compress=\"true\" ships that or less")})");
            }

            if (original.Multiplications is { } whole && optimized.Multiplications is { } left)
            {
                yield return Invariant($"  multiplications {whole:N0} → {left:N0} ({(double)left / whole:0.###})");
            }

            if (original.Accuracy is { } before && optimized.Accuracy is { } after)
            {
                yield return Invariant($"  accuracy  {before:0.####} → {after:0.####}{(result.AccuracyDrop is { } drop ? Invariant($" ({drop.Metric}, drop {drop.Value:0.####;-0.####;0} [{drop.Low:0.####;-0.####;0}, {drop.High:0.####;-0.####;0}], {drop.Samples} samples)") : "")}");
            }
        }

        if (result.LatencyRatio is { } latency)
        {
            yield return latency.Measured ? Invariant($"  latency   {result.Original?.LatencyMilliseconds:0.###} → {result.Optimized?.LatencyMilliseconds:0.###} ms, × {latency.Value:0.###} [{latency.Low:0.###}, {latency.High:0.###}], {latency.Pairs} pairs") : $"  latency   not measured: {latency.Reason}";
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
