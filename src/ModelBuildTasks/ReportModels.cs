using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Execution;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>
/// Prints what the last build made of each model, and has the worker write it as a page and as files for CI:
/// <c>dotnet exec modelbuild.dll report @report.rsp</c>. Its errors are coded lines, which MSBuild reads as such.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class ReportModels : WorkerTask
{
    private IReadOnlyList<string> _results = [];

    /// <summary>What <see cref="ResolveOptimizedModels"/> made of the items.</summary>
    public ITaskItem[] Variants { get; set; } = [];

    /// <summary>Full path of the file that carries the worker's arguments, for which a command line might be too short: <c>report @file</c>.</summary>
    [Required] public string ArgumentsFile { get; set; } = "";

    /// <summary>Full path of the folder that the report is written to.</summary>
    public string ReportDirectory { get; set; } = "";

    /// <summary>Full path of the lock file, which may be missing: what was built is compared with it, and its earlier commits are the report's history.</summary>
    public string LockFile { get; set; } = "";

    /// <summary>Whether the lock file must be up to date.</summary>
    public bool IsLocked { get; set; }

    /// <summary>Runtime identifier of the build; empty in a portable one.</summary>
    public string RuntimeIdentifier { get; set; } = "";

    private string BuildCommand => LockFindings.BuildCommand(ProjectFile, RuntimeIdentifier);

    // Where the page is, which is what was asked for.
    protected override MessageImportance StandardOutputLoggingImportance => MessageImportance.High;

    public override bool Execute()
    {
        var variants = Variants.Select(ModelVariant.FromTaskItem).ToList();
        var check = new LockCheck(LockFile, BuildCommand, IsLocked);
        foreach (var line in variants.SelectMany(variant => Lines(variant, check)))
        {
            Log.LogMessage(MessageImportance.High, "{0}", line);
        }

        _results = [.. variants.Select(variant => variant.ResultPath).Where(File.Exists)];
        return _results.Count == 0 || base.Execute();
    }

    protected override string GenerateCommandLineCommands()
    {
        var folder = ReportDirectory.TrimEnd(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);
        File.WriteAllLines(ArgumentsFile, [.. _results.Select(result => $"\"{result}\""), "--output", $"\"{folder}\"", .. Lock()], new UTF8Encoding(false));
        var command = Worker("report");
        command.AppendSwitchIfNotNull("@", ArgumentsFile);
        return command.ToString();
    }

    private IEnumerable<string> Lock() =>
        !IsLocked && !File.Exists(LockFile) ? [] : ["--lock", $"\"{LockFile}\"", "--build-command", $"\"{BuildCommand}\"", .. IsLocked ? ["--locked"] : Array.Empty<string>()];

    private static IEnumerable<string> Lines(ModelVariant variant, LockCheck check)
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
                .. result.Search is { } search ? [Tried(search)] : Array.Empty<string>(),
                .. result.Recipe.SelectMany(step => new[] { $"  {(step.Applied ? "+" : "-")} {step.Name}: {step.Explanation}" }.Concat(step.ShownReasons.Select(reason => $"      {reason}"))),
                // What is in ORT format can't be read back.
                .. (result.Quantization ?? result.TriedQuantization) is null || result.RequiredOperators.Count > 0 ? Array.Empty<string>() : [$"  every layer and tensor: modelbuild inspect \"{variant.ResultPath}\""],
                .. result.Diagnostics.Concat(check.Of(variant.ResultPath, result) ?? []).Select(diagnostic => $"  {diagnostic.Severity} {diagnostic.Code}: {diagnostic.Message}"),
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

        if (result.Optimized?.PeakMemoryBytes is { } memory)
        {
            yield return Invariant($"  memory    {(result.Original?.PeakMemoryBytes is { } most ? Invariant($"{most:N0} → ") : "")}{memory:N0} bytes at most");
        }

        if (result.Device is { } measured)
        {
            yield return Invariant($"  measured  on {measured.MeasuredUtc:yyyy-MM-dd}, {measured.Device.Processor}, {measured.Device.ExecutionProvider}");
        }

        if (result.LatencyRatio is { } latency)
        {
            yield return latency.Measured ? Invariant($"  latency   {result.Original?.LatencyMilliseconds:0.###} → {result.Optimized?.LatencyMilliseconds:0.###} ms, × {latency.Value:0.###} [{latency.Low:0.###}, {latency.High:0.###}], {latency.Pairs} pairs") : $"  latency   not measured: {latency.Reason}";
        }
    }

    private static string Tried(SearchAccount search)
    {
        var refused = search.Trials.Count(trial => trial is { Refusal: not null, IsChosen: false });
        return Invariant($"  search    {search.Trials.Count} {(search.Trials.Count == 1 ? "form" : "forms")} tried in {search.Seconds:0} s{(refused > 0 ? $", {refused} refused" : "")}{(search.IsCutShort ? ", until the time was up" : "")}. {search.Decision}").TrimEnd();
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
