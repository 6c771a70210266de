using System.Globalization;

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

    internal static string Milliseconds(double milliseconds) => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.###} ms");

    internal static string Ratio(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio:0.000}");

    internal static string Score(double score) => string.Create(CultureInfo.InvariantCulture, $"{score:0.0000}");

    /// <summary>A value with its 95 % interval: "0.412 [0.405, 0.420]".</summary>
    internal static string WithInterval(double value, double low, double high, string format) => string.Format(
        CultureInfo.InvariantCulture, "{0} [{1}, {2}]", value.ToString(format, CultureInfo.InvariantCulture), low.ToString(format, CultureInfo.InvariantCulture), high.ToString(format, CultureInfo.InvariantCulture));
}
