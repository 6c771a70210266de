using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace ModelBuildTasks.Items;

/// <summary>Text to and from MSBuild items.</summary>
internal static class ItemText
{
    /// <summary>The metadata's value, or null when it is absent or empty.</summary>
    public static string? Text(this ITaskItem item, string metadata) =>
        item.GetMetadata(metadata) is { Length: > 0 } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

    public static bool IsTrue(this ITaskItem item, string metadata, bool fallback) =>
        item.Text(metadata) is { } text ? text.Equals("true", System.StringComparison.OrdinalIgnoreCase) : fallback;

    /// <summary>The items of a list property, such as <c>cpu-x64;cuda</c>.</summary>
    public static IReadOnlyList<string> List(string? text) =>
        [.. (text ?? "").Split(';').Select(part => part.Trim()).Where(part => part.Length > 0)];

    /// <summary>An item whose values are meant literally: MSBuild would read %xx and ; in them.</summary>
    public static TaskItem Create(string itemSpec) => new(Escape(itemSpec));

    /// <summary>As the other; with metadata.</summary>
    public static TaskItem Create(string itemSpec, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        var item = Create(itemSpec);
        foreach (var pair in metadata)
        {
            item.Set(pair.Key, pair.Value);
        }

        return item;
    }

    /// <summary>Sets a metadata to a value that is meant literally.</summary>
    public static void Set(this TaskItem item, string metadata, string value) => item.SetMetadata(metadata, Escape(value));

    /// <summary>A path as the project writes it (either slash, relative to the project) as a full path.</summary>
    public static string FullPath(string projectDirectory, string path) =>
        Path.GetFullPath(Path.Combine(projectDirectory, path.Replace('\\', Path.DirectorySeparatorChar)));

    private static string Escape(string text) => text.Replace("%", "%25").Replace(";", "%3B");
}
