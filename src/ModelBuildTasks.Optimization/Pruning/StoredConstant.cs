using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>A constant is an initializer or the output of a Constant node; either is replaced where it stands.</summary>
internal static class StoredConstant
{
    internal static void Replace(Value value, Tensor tensor)
    {
        if (value.Initializer is not null)
        {
            value.Initializer = tensor;
            return;
        }

        foreach (string stated in value.Producer!.AttributeNames.ToArray())
        {
            value.Producer.Unset(stated);
        }

        value.Producer.Set("value", tensor);
    }
}
