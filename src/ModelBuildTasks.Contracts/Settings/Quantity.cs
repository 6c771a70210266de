using System;
using System.Globalization;
using System.Linq;

namespace ModelBuildTasks.Contracts;

/// <summary>Numbers, sizes and durations as users write them: invariant culture, unit in any case, a blank before it allowed.</summary>
public static class Quantity
{
    // Binary, as the tools that show file sizes count; the longest suffix first, since "B" ends them all.
    private static readonly (string Unit, double Factor)[] Sizes =
    [
        ("KiB", 1024), ("MiB", 1024 * 1024), ("GiB", 1024d * 1024 * 1024),
        ("KB", 1024), ("MB", 1024 * 1024), ("GB", 1024d * 1024 * 1024), ("B", 1), ("", 1),
    ];

    private static readonly (string Unit, double Factor)[] Durations =
        [("us", 1e-3), ("ms", 1), ("min", 60_000), ("h", 3_600_000), ("s", 1000)];

    /// <summary>A finite number, such as <c>0.01</c>.</summary>
    public static bool TryParseNumber(string text, out double value) =>
        double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out value) && !double.IsNaN(value) && !double.IsInfinity(value);

    /// <summary>A size such as <c>400KB</c>, <c>1.5 MB</c> or <c>81920</c> (bytes). 1 KB = 1 KiB = 1024 bytes.</summary>
    public static bool TryParseSize(string text, out long bytes)
    {
        var parsed = TryParse(text, Sizes, out var value) && value is >= 0 and < long.MaxValue;
        bytes = parsed ? (long)value : 0;
        return parsed;
    }

    /// <summary>A duration with its unit (us, ms, s, min, h), such as <c>8ms</c> or <c>1.5s</c>, in milliseconds.</summary>
    public static bool TryParseDuration(string text, out double milliseconds) => TryParse(text, Durations, out milliseconds) && milliseconds >= 0;

    /// <summary>A duration as users write it, in the largest unit that leaves a whole number: <c>90s</c>, <c>5min</c>.</summary>
    public static string Duration(TimeSpan duration)
    {
        var milliseconds = (long)Math.Ceiling(duration.TotalMilliseconds);
        return milliseconds % 3_600_000 == 0 ? $"{milliseconds / 3_600_000}h"
            : milliseconds % 60_000 == 0 ? $"{milliseconds / 60_000}min"
            : milliseconds % 1000 == 0 ? $"{milliseconds / 1000}s"
            : $"{milliseconds}ms";
    }

    /// <summary>A size as users write it, in the largest unit that leaves a whole number: <c>64MB</c>, <c>100B</c>.</summary>
    public static string Size(long bytes)
    {
        var (unit, factor) = Sizes.Where(size => size.Unit.Length == 2 && bytes % (long)size.Factor == 0).DefaultIfEmpty(("B", 1)).Last();
        return $"{bytes / (long)factor}{unit}";
    }

    private static bool TryParse(string text, (string Unit, double Factor)[] units, out double value)
    {
        var trimmed = text.Trim();
        var (unit, factor) = units.FirstOrDefault(candidate => trimmed.EndsWith(candidate.Unit, StringComparison.OrdinalIgnoreCase));
        value = 0;
        if (unit is null || !TryParseNumber(trimmed.Substring(0, trimmed.Length - unit.Length), out var number))
        {
            return false;
        }

        value = number * factor;
        return true;
    }
}
