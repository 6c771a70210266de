using System.Buffers;
using Microsoft.ML.OnnxRuntime;
using ModelBuildTasks.Onnx;
using TensorElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

namespace ModelBuildTasks.Inference;

/// <summary>A tensor lent to ONNX Runtime without a copy: its bytes stay pinned until this is disposed.</summary>
internal sealed class LentTensor : IDisposable
{
    private MemoryHandle pin;

    internal unsafe LentTensor(Tensor tensor)
    {
        if (tensor.ElementType.BitsPerElement() == 0)
        {
            throw new NotSupportedException($"{tensor.ElementType} tensors cannot be fed.");
        }

        pin = tensor.Data.Pin();
        Value = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, (TensorElementType)(int)tensor.ElementType, [.. tensor.Dimensions], (nint)pin.Pointer, tensor.Data.Length);
    }

    internal OrtValue Value { get; }

    public void Dispose()
    {
        Value.Dispose();
        pin.Dispose();
    }
}
