using System.Text;
using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// From bytes to a message whose tensors are whole: their weights refer to the bytes or to the mapped files beside the model,
/// and fit their shapes. Checked before anything is allocated that a shape or a length in the file asks for.
/// </summary>
internal static class ModelReader
{
    /// <summary>
    /// Files up to this size are read: the copy is cheap, and what somebody writes to the file later does not reach the model.
    /// Larger ones are mapped, so that memory does not follow the size of the model.
    /// </summary>
    private const long LargestRead = 64L << 20;

    /// <exception cref="ModelFormatException">The file is larger than a Protobuf message can be.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    internal static ReadOnlyMemory<byte> ReadFile(string path)
    {
        if (new FileInfo(path) is not { Exists: true, Length: > LargestRead } large)
        {
            return File.ReadAllBytes(path);
        }

        MappedFile file = new(large.FullName);
        return file.Length <= int.MaxValue
            ? file.Slice(0, (int)file.Length)
            : throw ModelFormatException.Invalid($"The file has {file.Length} bytes where an ONNX model, a Protobuf message, may have {int.MaxValue}. Export the model with external data.");
    }

    /// <param name="bytes">The model. The message refers to it, so it must not change.</param>
    /// <param name="external">Reads the files beside the model; null where there is no folder to look in.</param>
    internal static ModelProto Read(ReadOnlyMemory<byte> bytes, ExternalDataReader? external)
    {
        ModelProto model = Parse(bytes.Span);
        ModelTensors tensors = new(model);
        foreach (TensorProto tensor in tensors.All)
        {
            ModelSkeleton.Resolve(tensor, bytes);
            if (tensor.DataLocation == TensorEncoding.External)
            {
                Import(tensor, external);
            }
            else
            {
                TensorEncoding.Check(tensor);
            }
        }

        foreach (SparseTensorProto tensor in tensors.Sparse)
        {
            SparseTensorCheck.Run(tensor);
        }

        return model;
    }

    private static ModelProto Parse(ReadOnlySpan<byte> bytes)
    {
        ModelProto model;
        try
        {
            model = ModelProto.Parser.ParseFrom(ModelSkeleton.Of(bytes));
        }
        catch (InvalidProtocolBufferException exception) when (exception.InnerException is DecoderFallbackException)
        {
            throw new ModelFormatException(ModelFormatError.Invalid, "A name in the model is not UTF-8, which Protobuf and ONNX ask for. Export the model again with names of plain letters.", exception);
        }
        catch (Exception exception) when (exception is InvalidProtocolBufferException or InvalidDataException)
        {
            throw LooksLikeOnnx(bytes)
                ? new ModelFormatException(ModelFormatError.Truncated, "The ONNX model is cut short or damaged: it ends inside a message.", exception)
                : NotOnnx(bytes, exception);
        }

        if (model.Graph is null || !model.HasIrVersion || model.OpsetImport.Count == 0)
        {
            throw LooksLikeOnnx(bytes)
                ? new ModelFormatException(ModelFormatError.Truncated, "The ONNX model is cut short or damaged: it has no graph or no operator set.")
                : NotOnnx(bytes, null);
        }

        return model;
    }

    /// <summary>From here on the weights are the message's own; where they come to stand is settled when the model is written.</summary>
    private static void Import(TensorProto tensor, ExternalDataReader? external)
    {
        long expected = TensorEncoding.CheckExternal(tensor);
        tensor.RawData = UnsafeByteOperations.UnsafeWrap(external is null
            ? throw new ModelFormatException(ModelFormatError.ExternalData, $"Tensor '{tensor.Name}' keeps its data in another file, but there is no model folder to look in.")
            : external.Read(tensor, expected));
        tensor.ExternalData.Clear();
        tensor.ClearDataLocation();
    }

    /// <summary>Every exporter writes <c>ir_version</c> (field 1, a small varint) first.</summary>
    private static bool LooksLikeOnnx(ReadOnlySpan<byte> bytes) => bytes.Length > 2 && bytes[0] == 0x08 && bytes[1] is > 0 and < 64;

    private static ModelFormatException NotOnnx(ReadOnlySpan<byte> bytes, Exception? inner) => new(
        ModelFormatError.NotOnnx,
        IsOrtFormat(bytes)
            ? "The file is a model in ORT format, which can't be read back. Name the ONNX model that it was made from."
            : bytes.IsEmpty ? "The file is empty."
            : "It does not start with an IR version, as exporters write it.",
        inner);

    /// <summary>ORT format is a flat buffer, which bears its identifier behind the offset of its root (ONNX Runtime, core/flatbuffers/schema/ort.fbs).</summary>
    private static bool IsOrtFormat(ReadOnlySpan<byte> bytes) => bytes.Length >= 8 && bytes[4..8].SequenceEqual("ORTM"u8);
}
