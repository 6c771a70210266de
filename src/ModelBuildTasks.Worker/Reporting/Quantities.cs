using System.Globalization;
using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>Numbers as people read them.</summary>
internal static class Quantities
{
    /// <summary>Bytes in binary units, as sizes are written in projects: "412.3 KB".</summary>
    internal static string Size(long bytes) => bytes switch
    {
        < 1024 => $"{bytes} B",
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.00} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):0.00} GB"),
    };

    internal static string Count(int number, string singular, string plural) => string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? singular : plural)}");

    internal static string Number(long number) => string.Create(CultureInfo.InvariantCulture, $"{number:N0}");

    internal static string Milliseconds(double milliseconds) => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.###} ms");

    internal static string Score(double score) => string.Create(CultureInfo.InvariantCulture, $"{score:0.0000}");

    /// <summary>A span of time, in its largest unit: "3 d".</summary>
    internal static string Age(TimeSpan age) => age switch
    {
        { TotalMinutes: < 1 } => "now",
        { TotalHours: < 1 } => $"{(int)age.TotalMinutes} min",
        { TotalDays: < 1 } => $"{(int)age.TotalHours} h",
        _ => $"{(int)age.TotalDays} d",
    };

    /// <summary>A stretch of work: "0.8 s", "41 s", "3 min 12 s".</summary>
    internal static string Seconds(double seconds) => seconds switch
    {
        < 9.95 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
        < 59.5 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(Math.Round(seconds) / 60):0} min {Math.Round(seconds) % 60:0} s"),
    };

    /// <summary>A value with its interval: "0.412 [0.405, 0.420]".</summary>
    internal static string WithInterval(Estimate estimate, string format) =>
        string.Join("", estimate.Value.ToString(format, CultureInfo.InvariantCulture), " [", estimate.Low.ToString(format, CultureInfo.InvariantCulture), ", ", estimate.High.ToString(format, CultureInfo.InvariantCulture), "]");
}
