namespace ModelBuildTasks.Contracts.Protobuf;

/// <summary>
/// Which fields of a serialized ONNX model lead to tensors. Field numbers are those of onnx.proto. Compiled into two assemblies, since neither
/// the tasks nor the library of models may see the other: both must look in every place where a tensor can stand.
/// </summary>
internal static class TensorPaths
{
    public enum Message { Model, TrainingInfo, Function, Graph, Node, Attribute, SparseTensor, Tensor, RawData, ExternalEntry }

    /// <returns>What <paramref name="field"/> of a message holds; null when it leads to no tensor.</returns>
    public static Message? Holds(Message message, int field) => (message, field) switch
    {
        (Message.Model, 7) => Message.Graph,
        (Message.Model, 20) => Message.TrainingInfo,
        (Message.Model, 25) => Message.Function,
        (Message.TrainingInfo, 1 or 2) => Message.Graph,
        (Message.Function, 7) => Message.Node,
        (Message.Function, 11) => Message.Attribute,
        (Message.Graph, 1) => Message.Node,
        (Message.Graph, 5) => Message.Tensor,
        (Message.Graph, 15) => Message.SparseTensor,
        (Message.Node, 5) => Message.Attribute,
        (Message.Attribute, 5 or 10) => Message.Tensor,
        (Message.Attribute, 6 or 11) => Message.Graph,
        (Message.Attribute, 22 or 23) => Message.SparseTensor,
        (Message.SparseTensor, 1 or 2) => Message.Tensor,
        (Message.Tensor, 9) => Message.RawData,
        (Message.Tensor, 13) => Message.ExternalEntry,
        _ => null,
    };
}
