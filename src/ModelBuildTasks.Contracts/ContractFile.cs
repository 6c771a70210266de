using System;
using System.IO;
using System.Linq;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Xml;

namespace ModelBuildTasks.Contracts;

/// <summary>The files that pass between the task and the worker: indented UTF-8 JSON, replaced whole or not at all.</summary>
internal static class ContractFile
{
    /// <exception cref="InvalidDataException">The file is not JSON of this contract.</exception>
    public static T Read<T>(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            return (T)new DataContractJsonSerializer(typeof(T)).ReadObject(stream)!;
        }
        catch (Exception exception) when (exception is SerializationException or XmlException or ArgumentException or FormatException)
        {
            throw new InvalidDataException($"'{path}' is not a {typeof(T).Name}: {exception.Message}", exception);
        }
    }

    public static void Write<T>(string path, T value) => Replace(path, Serialize(value));

    /// <summary>Leaves the file, and its time, alone when it already says the same: its time is what incremental builds compare.</summary>
    /// <returns>Whether the file was written.</returns>
    public static bool WriteIfDifferent<T>(string path, T value)
    {
        var bytes = Serialize(value);
        if (File.Exists(path) && File.ReadAllBytes(path).SequenceEqual(bytes))
        {
            return false;
        }

        Replace(path, bytes);
        return true;
    }

    private static byte[] Serialize<T>(T value)
    {
        using var stream = new MemoryStream();
        using (var writer = JsonReaderWriterFactory.CreateJsonWriter(stream, new UTF8Encoding(false), ownsStream: false, indent: true, "  "))
        {
            new DataContractJsonSerializer(typeof(T)).WriteObject(writer, value);
        }

        return stream.ToArray();
    }

    private static void Replace(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var staged = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllBytes(staged, bytes);
            // netstandard2.0 has no overwriting move; Replace needs a file to replace, which another build may make at any moment.
            if (!File.Exists(path))
            {
                try
                {
                    File.Move(staged, path);
                    return;
                }
                catch (IOException) when (File.Exists(path))
                {
                }
            }

            File.Replace(staged, path, null);
        }
        finally
        {
            File.Delete(staged);
        }
    }
}
