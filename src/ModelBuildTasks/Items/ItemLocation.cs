using System;
using System.IO;
using System.Linq;
using System.Xml;
using Microsoft.Build.Framework;

namespace ModelBuildTasks.Items;

/// <summary>Where a project file writes an item, so that an error about its metadata can be clicked. Tasks are told the file only.</summary>
/// <param name="File">Full path of the project or imported file; empty when it is not known.</param>
/// <param name="Line">From 1; 0 when the element was not found.</param>
/// <param name="Column">From 1; 0 when the element was not found.</param>
internal readonly record struct ItemLocation(string File, int Line, int Column)
{
    /// <param name="item">An item as a target passes it to a task.</param>
    /// <param name="itemType">Its element's name.</param>
    public static ItemLocation Of(ITaskItem item, string itemType) => Find(item.GetMetadata("DefiningProjectFullPath"), itemType, item.ItemSpec);

    /// <param name="file">The file that defines the item.</param>
    /// <param name="itemType">Its element's name.</param>
    /// <param name="include">What the item came to be; the element may say so with a wildcard or a property.</param>
    public static ItemLocation Find(string file, string itemType, string include)
    {
        var nearest = new ItemLocation(file, 0, 0);
        try
        {
            using var reader = XmlReader.Create(new StreamReader(file), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            while (reader.Read())
            {
                if (reader.NodeType != XmlNodeType.Element || !reader.LocalName.Equals(itemType, StringComparison.OrdinalIgnoreCase) || reader.GetAttribute("Include") is not { } written)
                {
                    continue;
                }

                var position = (IXmlLineInfo)reader;
                var here = new ItemLocation(file, position.LineNumber, position.LinePosition);
                if (ItemText.List(written).Any(part => Normalize(part) == Normalize(include)))
                {
                    return here;
                }

                var mayStandForIt = written.IndexOfAny(['*', '$', '@', '%']) >= 0;
                nearest = nearest.Line == 0 && mayStandForIt ? here : nearest;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or XmlException or ArgumentException or NotSupportedException)
        {
            // Not a file that can be read: the message names the item.
        }

        return nearest;
    }

    private static string Normalize(string path) => path.Trim().Replace('\\', '/');
}
