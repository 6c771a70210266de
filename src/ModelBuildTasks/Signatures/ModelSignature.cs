using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ModelBuildTasks.Contracts.Protobuf;

namespace ModelBuildTasks.Signatures;

/// <summary>One dimension: a size, a symbol, or neither.</summary>
internal readonly record struct SignatureDimension(long? Size, string? Symbol);

/// <summary>A graph input or output. <paramref name="ElementType"/> is ONNX's number, 0 when it is no tensor; a null shape has unknown rank.</summary>
internal sealed record SignatureValue(string Name, int ElementType, IReadOnlyList<SignatureDimension>? Shape);

/// <summary>
/// What an accessor needs to know of an ONNX file: its inputs and its outputs. Reads the headers only; field numbers are those of onnx.proto.
/// </summary>
internal sealed class ModelSignature
{
    private const int ModelIrVersion = 1;
    private const int ModelGraph = 7;
    private const int GraphInitializer = 5;
    private const int GraphInput = 11;
    private const int GraphOutput = 12;
    private const int TensorName = 8;
    private const int ValueName = 1;
    private const int ValueType = 2;
    private const int TypeTensor = 1;
    private const int TensorElementType = 1;
    private const int TensorShape = 2;
    private const int ShapeDimension = 1;
    private const int DimensionSize = 1;
    private const int DimensionSymbol = 2;

    // onnx.proto's TensorProto.DataType.
    private const int Float = 1;
    private const int Float16 = 10;

    private readonly ProtobufReader _reader;
    private readonly bool _inHalf;
    private readonly List<SignatureValue> _inputs = [];
    private readonly List<SignatureValue> _outputs = [];
    private readonly HashSet<string> _initializers = new(StringComparer.Ordinal);

    private ModelSignature(Stream stream, bool inHalf)
    {
        _reader = new ProtobufReader(stream);
        _inHalf = inHalf;
        ReadModel(stream.Length);
    }

    /// <summary>The inputs to feed: before IR version 4 initializers are listed as inputs too, which these leave out.</summary>
    public IReadOnlyList<SignatureValue> Inputs => [.. _inputs.Where(input => !_initializers.Contains(input.Name))];

    public IReadOnlyList<SignatureValue> Outputs => _outputs;

    /// <param name="path">The model.</param>
    /// <param name="inHalf">Whether float16 stands in the place of float32.</param>
    /// <exception cref="ProtobufException">The file is no ONNX model, or only a part of one.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ModelSignature Read(string path, bool inHalf = false)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        if (IsOrtFormat(stream))
        {
            throw new ProtobufException(isTruncated: false, "it is in ORT format, which can't be read back; name the ONNX model that it was made from");
        }

        return new ModelSignature(stream, inHalf);
    }

    /// <summary>ORT format is a flat buffer, which bears its identifier behind the offset of its root (ONNX Runtime, core/flatbuffers/schema/ort.fbs).</summary>
    private static bool IsOrtFormat(Stream stream)
    {
        var start = new byte[8];
        var read = stream.Read(start, 0, start.Length);
        stream.Position = 0;
        return read == start.Length && start[4] == 'O' && start[5] == 'R' && start[6] == 'T' && start[7] == 'M';
    }

    private void ReadModel(long end)
    {
        var (hasVersion, hasGraph) = (false, false);
        try
        {
            foreach (var field in _reader.Fields(end))
            {
                hasVersion |= field.Number == ModelIrVersion && !field.IsMessage;
                if (field.Number == ModelGraph && field.IsMessage)
                {
                    hasGraph = true;
                    ReadGraph(field.End);
                }
            }
        }
        catch (ProtobufException exception) when (exception.IsTruncated && !hasVersion)
        {
            // Any text looks like a message cut short; exporters write the IR version first.
            throw new ProtobufException(isTruncated: false, "it does not start with an IR version");
        }

        if (!hasGraph)
        {
            throw new ProtobufException(isTruncated: false, end == 0 ? "the file is empty" : "it holds no graph");
        }
    }

    private void ReadGraph(long end)
    {
        foreach (var field in _reader.Fields(end))
        {
            switch (field.Number)
            {
                case GraphInitializer: ReadInitializer(field.End); break;
                case GraphInput: _inputs.Add(Typed(ReadValue(field.End))); break;
                case GraphOutput: _outputs.Add(Typed(ReadValue(field.End))); break;
            }
        }
    }

    private SignatureValue Typed(SignatureValue value) => _inHalf && value.ElementType == Float ? value with { ElementType = Float16 } : value;

    private void ReadInitializer(long end)
    {
        foreach (var field in _reader.Fields(end))
        {
            if (field.Number == TensorName)
            {
                _initializers.Add(_reader.ReadString(field));
            }
        }
    }

    private SignatureValue ReadValue(long end)
    {
        var value = new SignatureValue("", 0, null);
        foreach (var field in _reader.Fields(end))
        {
            if (field.Number == ValueName)
            {
                value = value with { Name = _reader.ReadString(field) };
            }
            else if (field.Number == ValueType)
            {
                foreach (var type in _reader.Fields(field.End).Where(type => type.Number == TypeTensor && type.IsMessage))
                {
                    value = ReadTensorType(value, type.End);
                }
            }
        }

        return value;
    }

    private SignatureValue ReadTensorType(SignatureValue value, long end)
    {
        foreach (var field in _reader.Fields(end))
        {
            value = field.Number switch
            {
                TensorElementType => value with { ElementType = (int)field.Value },
                TensorShape => value with { Shape = [.. _reader.Fields(field.End).Where(dimension => dimension.Number == ShapeDimension).Select(dimension => ReadDimension(dimension.End))] },
                _ => value,
            };
        }

        return value;
    }

    private SignatureDimension ReadDimension(long end)
    {
        var dimension = new SignatureDimension(null, null);
        foreach (var field in _reader.Fields(end))
        {
            dimension = field.Number switch
            {
                // Some exporters write -1 for "unknown".
                DimensionSize when (long)field.Value >= 0 => new SignatureDimension((long)field.Value, null),
                DimensionSymbol => new SignatureDimension(null, _reader.ReadString(field) is { Length: > 0 } symbol ? symbol : null),
                _ => dimension,
            };
        }

        return dimension;
    }
}
