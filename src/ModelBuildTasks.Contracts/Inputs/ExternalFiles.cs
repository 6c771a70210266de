using System;
using System.Collections.Generic;
using System.IO;
using ModelBuildTasks.Contracts.Protobuf;
using Message = ModelBuildTasks.Contracts.Protobuf.TensorPaths.Message;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// Which files beside an ONNX model hold its weights. Seeks over the weights that the model holds itself.
/// </summary>
internal sealed class ExternalFiles
{
    private const int EntryKey = 1;
    private const int EntryValue = 2;

    /// <summary>Protobuf's own default limit of nested messages.</summary>
    private const int Deepest = 100;

    private readonly ProtobufReader _reader;
    private readonly SortedSet<string> _files = new(StringComparer.Ordinal);

    private ExternalFiles(Stream stream)
    {
        _reader = new ProtobufReader(stream);
        Read(Message.Model, stream.Length, depth: 0);
    }

    /// <returns>The locations as the model states them: relative to its folder, unchecked, each once. None where the file is no model: others say so.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IReadOnlyCollection<string> Of(string modelPath)
    {
        using var stream = new FileStream(modelPath, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            return new ExternalFiles(stream)._files;
        }
        catch (ProtobufException)
        {
            return [];
        }
    }

    private void Read(Message message, long end, int depth)
    {
        if (depth > Deepest)
        {
            throw new ProtobufException(isTruncated: false, $"messages are nested more than {Deepest} deep");
        }

        foreach (var field in _reader.Fields(end))
        {
            switch (field.IsMessage ? TensorPaths.Holds(message, field.Number) : null)
            {
                case null or Message.RawData:
                    break;
                case Message.ExternalEntry:
                    ReadEntry(field.End);
                    break;
                case { } holds:
                    Read(holds, field.End, depth + 1);
                    break;
            }
        }
    }

    private void ReadEntry(long end)
    {
        var (key, value) = ("", "");
        foreach (var part in _reader.Fields(end))
        {
            (key, value) = part.Number switch
            {
                EntryKey => (_reader.ReadString(part), value),
                EntryValue => (key, _reader.ReadString(part)),
                _ => (key, value),
            };
        }

        if (key == "location" && value.Length > 0)
        {
            _files.Add(value);
        }
    }
}
