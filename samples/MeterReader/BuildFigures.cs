using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeterReader;

/// <summary>What the build measured when it optimized the model; the parts of its result file that are shown.</summary>
internal sealed record BuildFigures(ModelFigures? Original, ModelFigures? Optimized, DropFigures? AccuracyDrop, RatioFigures? LatencyRatio)
{
    private const string Resource = "digits.result.json";

    /// <summary>The figures that the build embedded; null when the model was built without optimizing.</summary>
    public static BuildFigures? Load()
    {
        using Stream? stream = typeof(BuildFigures).Assembly.GetManifestResourceStream(Resource);
        return stream is null ? null : JsonSerializer.Deserialize(stream, FiguresJson.Default.BuildFigures);
    }

    /// <summary>A table of original against optimized.</summary>
    public void Print(TextWriter output)
    {
        if (Original is not { } original || Optimized is not { } optimized)
        {
            return;
        }

        output.WriteLine($"{"",-10}{"original",14}{"optimized",14}   change (95 % interval)");
        output.WriteLine($"{"size",-10}{original.Bytes / 1024.0,10:N0} KiB{optimized.Bytes / 1024.0,10:N0} KiB   × {(double)optimized.Bytes / original.Bytes:F2}");
        if (original.Accuracy is { } before && optimized.Accuracy is { } after)
        {
            string drop = AccuracyDrop is { } d ? $"{-100 * d.Value:+0.00;−0.00;0.00} points ({-100 * d.High:+0.00;−0.00;0.00} to {-100 * d.Low:+0.00;−0.00;0.00}, {d.Samples:N0} images)" : "";
            output.WriteLine($"{"accuracy",-10}{before,14:P2}{after,14:P2}   {drop}");
        }

        if (original.LatencyMilliseconds is { } slow && optimized.LatencyMilliseconds is { } fast && LatencyRatio is { Value: { } ratio } r)
        {
            output.WriteLine($"{"latency",-10}{slow,11:F3} ms{fast,11:F3} ms   × {ratio:F2} ({r.Low:F2} to {r.High:F2}, {r.Pairs:N0} pairs)");
        }
        else
        {
            output.WriteLine($"{"latency",-10}not measured: {LatencyRatio?.Reason}");
        }
    }
}

/// <summary>Size, accuracy and latency of one model.</summary>
internal sealed record ModelFigures(long Bytes, double? Accuracy, double? LatencyMilliseconds);

/// <summary>Accuracy of the original less that of the optimized model.</summary>
internal sealed record DropFigures(double Value, double Low, double High, int Samples);

/// <summary>Latency of the optimized model over that of the original.</summary>
internal sealed record RatioFigures(double? Value, double? Low, double? High, int Pairs, string? Reason);

[JsonSerializable(typeof(BuildFigures))]
internal sealed partial class FiguresJson : JsonSerializerContext;
