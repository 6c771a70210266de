using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Items;

/// <summary>
/// What a task made of its inputs in the last build, so that a build in which nothing has changed recalls it, and need not
/// compile and run the code that would find out the same. A memory that can't be read or written is none.
/// </summary>
/// <param name="path">Full path of the file.</param>
/// <param name="inputs">Everything that the outputs depend on.</param>
internal sealed class TaskMemory(string path, string inputs)
{
    // Another build of this assembly may make something else of the same inputs.
    private static readonly string s_version = typeof(TaskMemory).Module.ModuleVersionId.ToString();

    /// <summary>The items that were remembered for the same inputs; null when there are none.</summary>
    public ITaskItem[][]? Recall()
    {
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            using var reader = new BinaryReader(new MemoryStream(File.ReadAllBytes(path)), Encoding.UTF8);
            if (reader.ReadString() != s_version || reader.ReadString() != inputs)
            {
                return null;
            }

            var lists = new ITaskItem[reader.ReadByte()][];
            for (var i = 0; i < lists.Length; i++)
            {
                lists[i] = ReadItems(reader);
            }

            return lists;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    public void Remember(params ITaskItem[][] lists)
    {
        try
        {
            var bytes = new MemoryStream();
            var writer = new BinaryWriter(bytes, Encoding.UTF8);
            writer.Write(s_version);
            writer.Write(inputs);
            writer.Write((byte)lists.Length);
            foreach (var items in lists)
            {
                WriteItems(writer, items);
            }

            writer.Flush();
            WholeFile.Write(path, bytes.ToArray());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next build does the work again.
        }
    }

    public void Forget()
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What can't be deleted is of other inputs, and says so.
        }
    }

    /// <summary>Items as one text: what they are and every metadata that was given to them.</summary>
    public static string TextOf(params ITaskItem[][] lists)
    {
        var text = new StringBuilder();
        foreach (var items in lists)
        {
            foreach (var item in items)
            {
                text.Append(item.ItemSpec).Append('\n');
                foreach (var name in NamesOf(item.CloneCustomMetadata()))
                {
                    text.Append(name).Append('=').Append(item.GetMetadata(name)).Append('\n');
                }
            }

            text.Append('\0');
        }

        return text.ToString();
    }

    // Hash tables of strings have another order in each process.
    private static List<string> NamesOf(IDictionary metadata)
    {
        var names = new List<string>(metadata.Count);
        foreach (string name in metadata.Keys)
        {
            names.Add(name);
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    }

    private static void WriteItems(BinaryWriter writer, ITaskItem[] items)
    {
        writer.Write(items.Length);
        foreach (var item in items)
        {
            var names = NamesOf(item.CloneCustomMetadata());
            writer.Write(item.ItemSpec);
            writer.Write(names.Count);
            foreach (var name in names)
            {
                writer.Write(name);
                writer.Write(item.GetMetadata(name));
            }
        }
    }

    private static ITaskItem[] ReadItems(BinaryReader reader)
    {
        var items = new List<ITaskItem>();
        for (var left = reader.ReadInt32(); left > 0; left--)
        {
            var item = ItemText.Create(reader.ReadString());
            for (var metadata = reader.ReadInt32(); metadata > 0; metadata--)
            {
                item.Set(reader.ReadString(), reader.ReadString());
            }

            items.Add(item);
        }

        return [.. items];
    }
}
