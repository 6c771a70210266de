using System;
using System.Collections.Generic;
using System.IO;
using ModelBuildTasks.Contracts.Protobuf;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// Which files beside an ONNX model hold its weights. Seeks over the weights that the model holds itself. Field numbers are those of onnx.proto.
/// </summary>
internal sealed class ExternalFiles
{
    // Message → the fields that lead to tensors, and the message that each holds.
    private static readonly Dictionary<Message, (int Field, Message Holds)[]> s_ways = new()
    {
        [Message.Model] = [(7, Message.Graph), (20, Message.TrainingInfo), (25, Message.Function)],
        [Message.TrainingInfo] = [(1, Message.Graph), (2, Message.Graph)],
        [Message.Function] = [(7, Message.Node), (11, Message.Attribute)],
        [Message.Graph] = [(1, Message.Node), (5, Message.Tensor), (15, Message.SparseTensor)],
        [Message.Node] = [(5, Message.Attribute)],
        [Message.Attribute] = [(5, Message.Tensor), (6, Message.Graph), (10, Message.Tensor), (11, Message.Graph), (22, Message.SparseTensor), (23, Message.SparseTensor)],
        [Message.SparseTensor] = [(1, Message.Tensor), (2, Message.Tensor)],
        [Message.Tensor] = [(13, Message.ExternalEntry)],
    };

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

    private enum Message { Model, TrainingInfo, Function, Graph, Node, Attribute, SparseTensor, Tensor, ExternalEntry }

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
            foreach (var (number, holds) in s_ways[message])
            {
                if (field.Number != number || !field.IsMessage)
                {
                    continue;
                }

                if (holds == Message.ExternalEntry)
                {
                    ReadEntry(field.End);
                }
                else
                {
                    Read(holds, field.End, depth + 1);
                }
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
