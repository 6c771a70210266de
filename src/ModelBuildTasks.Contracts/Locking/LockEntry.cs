using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using ModelBuildTasks.Contracts.Json;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Locking;

/// <summary>What a build made of one model for one target, as the lock file keeps it. Numbers are rounded to what they are good for, so that lines stay short.</summary>
public sealed class LockEntry
{
    /// <summary>Intervals of accuracy are good for three digits; more keep counts of samples exact.</summary>
    private const int AccuracyDigits = 6;

    /// <summary>Latency is measured to a percent (see docs/BUDGETS.md).</summary>
    private const int LatencyDigits = 3;

    /// <summary>SHA-256 of the source model; with external data, over the role and SHA-256 of each of its files.</summary>
    public string Source { get; private set; } = "";

    /// <summary>What was asked for; see <see cref="LockedSettings"/>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; private set; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Names of the steps that were applied, in order.</summary>
    public IReadOnlyList<string> Plan { get; private set; } = [];

    /// <summary>How to make it again; null in entries of versions that did not pin it, for which a build searches.</summary>
    public PinnedRecipe? Recipe { get; private set; }

    /// <summary>SHA-256 of the file that ships.</summary>
    public string Artifact { get; private set; } = "";

    /// <summary>Bytes of the model, not compressed.</summary>
    public long Size { get; private set; }

    /// <summary>Bytes of the compressed file; null where none ships.</summary>
    public long? CompressedSize { get; private set; }

    /// <summary>Of the artifact, in the metric's unit; null when not measured.</summary>
    public double? Accuracy { get; private set; }

    /// <summary>Against the original; null when not measured, or where the metric knows no drop.</summary>
    public AccuracyDrop? Drop { get; private set; }

    /// <summary>Null when not measured.</summary>
    public LatencyRatio? Latency { get; private set; }

    /// <summary>The limit that the project writes as MaxLatency, and the processor that it is tied to; null where none is written.</summary>
    public LockedLimit? MaxLatency { get; private set; }

    /// <summary>The line in the lock file that the entry begins on; 0 for what a build made.</summary>
    public int Line { get; private set; }

    /// <summary>Bytes of what ships.</summary>
    public long ShippedSize => CompressedSize ?? Size;

    /// <param name="request">What was asked for.</param>
    /// <param name="result">What came of it; it succeeded.</param>
    public static LockEntry Of(OptimizationRequest request, OptimizationResult result) => new()
    {
        Source = RequestInputs.DigestOfModel(request.Inputs),
        Settings = LockedSettings.Of(request),
        Plan = [.. result.Recipe.Where(step => step.Applied).Select(step => step.Name)],
        Recipe = result.Pinned,
        Artifact = result.ArtifactSha256 ?? "",
        Size = result.Optimized?.Bytes ?? 0,
        CompressedSize = result.IsCompressed ? result.Optimized?.CompressedBytes : null,
        Accuracy = result.Optimized?.Accuracy is { } accuracy ? Round(accuracy, AccuracyDigits) : null,
        Drop = result.AccuracyDrop is { } drop ? Rounded(drop) : null,
        Latency = result.LatencyRatio is { Measured: true } latency ? Rounded(latency) : null,
        MaxLatency = LockedLimit.Of(request, result),
    };

    /// <summary>This entry, but with the processor of a limit that is locked already: an update on another machine does not move it there.</summary>
    public LockEntry KeepingLimitOf(LockEntry? locked)
    {
        MaxLatency = LockedLimit.IsSame(locked?.MaxLatency, MaxLatency) ? locked?.MaxLatency : MaxLatency;
        return this;
    }

    /// <exception cref="InvalidDataException">A member is of another kind, or one is missing without which nothing could be compared: what is left out by a hand would pass silently.</exception>
    internal static LockEntry Read(JsonObject json, int line)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in json.Object("settings")?.Names ?? [])
        {
            settings[name] = json.Object("settings")!.Text(name) ?? "";
        }

        var accuracy = json.Object("accuracy");
        return new LockEntry
        {
            Source = json.Text("source") ?? throw Missing("source", line),
            Settings = settings,
            Plan = json.Texts("plan"),
            Recipe = PinnedRecipe.Read(json.Object("recipe")),
            Artifact = json.Text("artifact") ?? throw Missing("artifact", line),
            Size = BytesOf(json, "size") ?? throw Missing("size", line),
            CompressedSize = BytesOf(json, "compressedSize"),
            Accuracy = accuracy?.Number("value"),
            Drop = accuracy?.Number("drop") is { } drop ? new AccuracyDrop
            {
                Metric = accuracy.Choice<Metric>("metric"),
                Samples = (int)(accuracy.Integer("samples") ?? 0),
                Value = drop,
                Low = accuracy.Number("dropLow") ?? drop,
                High = accuracy.Number("dropHigh") ?? drop,
            } : null,
            Latency = json.Object("latency") is { } latency ? new LatencyRatio
            {
                Measured = true,
                Value = latency.Number("ratio") ?? throw Missing("ratio", json.LineOf("latency")),
                Low = latency.Number("low") ?? throw Missing("low", json.LineOf("latency")),
                High = latency.Number("high") ?? throw Missing("high", json.LineOf("latency")),
                Processor = latency.Text("processor"),
                Threads = (int)(latency.Integer("threads") ?? 0),
            } : null,
            MaxLatency = LockedLimit.Read(json.Object("maxLatency")),
            Line = line,
        };
    }

    internal void Write(JsonWriter json)
    {
        json.Add("source", Source)
            .Object("settings", settings => Settings.ToList().ForEach(pair => settings.Add(pair.Key, pair.Value)))
            .Texts("plan", Plan);
        if (Recipe is { } recipe)
        {
            json.Object("recipe", recipe.Write);
        }

        json.Add("artifact", Artifact)
            .Add("size", Size);
        if (CompressedSize is { } compressed)
        {
            json.Add("compressedSize", compressed);
        }

        if (Accuracy is { } accuracy)
        {
            json.Object("accuracy", inner => WriteAccuracy(inner, accuracy));
        }

        if (Latency is { } latency)
        {
            json.Object("latency", inner => inner
                .Add("ratio", latency.Value)
                .Add("low", latency.Low)
                .Add("high", latency.High)
                .Add("processor", latency.Processor)
                .Add("threads", latency.Threads));
        }

        if (MaxLatency is { } limit)
        {
            json.Object("maxLatency", limit.Write);
        }
    }

    private static long? BytesOf(JsonObject json, string name) =>
        json.Integer(name) is { } bytes ? bytes > 0 ? bytes : throw JsonFault.At(json.LineOf(name), $"'{name}' is {bytes}, and no file has so many bytes") : null;

    private static InvalidDataException Missing(string name, int line) => JsonFault.At(line, $"there is no '{name}'");

    private void WriteAccuracy(JsonWriter json, double accuracy)
    {
        json.Add("value", (double?)accuracy);
        if (Drop is { } drop)
        {
            json.Add("metric", drop.Metric.ToString())
                .Add("samples", drop.Samples)
                .Add("drop", (double?)drop.Value)
                .Add("dropLow", (double?)drop.Low)
                .Add("dropHigh", (double?)drop.High);
        }
    }

    private static AccuracyDrop Rounded(AccuracyDrop drop) => new()
    {
        Metric = drop.Metric,
        Samples = drop.Samples,
        Value = Round(drop.Value, AccuracyDigits),
        Low = Round(drop.Low, AccuracyDigits),
        High = Round(drop.High, AccuracyDigits),
    };

    private static LatencyRatio Rounded(LatencyRatio latency) => new()
    {
        Measured = true,
        Value = Round(latency.Value ?? double.NaN, LatencyDigits),
        Low = Round(latency.Low ?? double.NaN, LatencyDigits),
        High = Round(latency.High ?? double.NaN, LatencyDigits),
        Processor = latency.Processor,
        Threads = latency.Threads,
    };

    /// <summary>To significant digits: errors may be far below 1.</summary>
    private static double Round(double value, int digits) =>
        double.Parse(value.ToString($"G{digits}", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
}
