using System;

namespace ModelBuildTasks.Contracts.Protobuf;

/// <summary>The file is no ONNX model, or only a part of one.</summary>
internal sealed class ProtobufException(bool isTruncated, string message) : Exception(message)
{
    public bool IsTruncated { get; } = isTruncated;
}
