using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>Which version of the file format came with what (ONNX docs/Versioning.md, and the history beside <c>Version</c> in onnx.proto).</summary>
public static class IrVersions
{
    /// <summary>The first version that has operator sets, which every readable model states.</summary>
    private const long First = 3;

    /// <summary>The first version whose initializers need not be inputs of their graph (ONNX IR.md, "Graphs").</summary>
    public const long PlainInitializers = 4;

    private const long Newest = 13;

    private const long NewestOpset = 25;

    private static readonly Dictionary<string, long> Fields = new(StringComparer.Ordinal)
    {
        ["GraphProto.quantization_annotation"] = 5,
        ["GraphProto.sparse_initializer"] = 6,
        ["AttributeProto.sparse_tensor"] = 6,
        ["AttributeProto.sparse_tensors"] = 6,
        ["ModelProto.training_info"] = 7,
        ["ModelProto.functions"] = 8,
        ["AttributeProto.tp"] = 8,
        ["AttributeProto.type_protos"] = 8,
        ["TypeProto.optional_type"] = 8,
        ["TypeProto.sparse_tensor_type"] = 8,
        ["FunctionProto.attribute_proto"] = 9,
        ["FunctionProto.overload"] = 10,
        ["FunctionProto.value_info"] = 10,
        ["FunctionProto.metadata_props"] = 10,
        ["GraphProto.metadata_props"] = 10,
        ["NodeProto.metadata_props"] = 10,
        ["NodeProto.overload"] = 10,
        ["TensorProto.metadata_props"] = 10,
        ["ValueInfoProto.metadata_props"] = 10,
        ["ModelProto.configuration"] = 11,
        ["NodeProto.device_configurations"] = 11,
    };

    /// <summary>The version that was released together with a set of the standard operators; runtimes need no more for those.</summary>
    public static long OfOpset(long opset) => opset switch
    {
        <= 8 => 3,
        9 => 4,
        10 => 5,
        11 => 6,
        <= 14 => 7,
        <= 18 => 8,
        <= 20 => 9,
        <= 22 => 10,
        23 => 11,
        24 => 12,
        _ => Newest,
    };

    /// <summary>The lowest version that has all that the model states; its own when that is newer than this library, or an operator set is.</summary>
    internal static long Lowest(ModelProto model) =>
        model.IrVersion > Newest || model.OpsetImport.Any(import => import.Domain is "" or "ai.onnx" && import.Version > NewestOpset)
            ? model.IrVersion
            : Of(model);

    private static long Of(IMessage message)
    {
        long version = message switch
        {
            OperatorSetIdProto { Domain: "" or "ai.onnx" } import => OfOpset(import.Version),
            OperatorSetIdProto { Domain: "ai.onnx.ml" } import => OfMachineLearning(import.Version),
            OperatorSetIdProto { Domain: "ai.onnx.training" or "ai.onnx.preview.training" } => 7,
            TensorProto tensor => OfElements((ElementType)tensor.DataType),
            TypeProto.Types.Tensor tensor => OfElements((ElementType)tensor.ElemType),
            TypeProto.Types.SparseTensor tensor => OfElements((ElementType)tensor.ElemType),
            GraphProto graph when graph.Initializer.Select(tensor => tensor.Name).Except(graph.Input.Select(input => input.Name)).Any() => PlainInitializers,
            _ => First,
        };
        foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            IMessage[] inner = field.FieldType != FieldType.Message ? []
                : field.Accessor.GetValue(message) switch
                {
                    IMessage one => [one],
                    IList many => [.. many.Cast<IMessage>()],
                    _ => [],
                };
            bool isStated = inner.Length > 0 || (field.HasPresence && field.Accessor.HasValue(message));
            if (isStated && Fields.TryGetValue($"{message.Descriptor.Name}.{field.Name}", out long since))
            {
                version = Math.Max(version, since);
            }

            version = inner.Aggregate(version, (highest, each) => Math.Max(highest, Of(each)));
        }

        return version;
    }

    private static long OfMachineLearning(long opset) => opset switch
    {
        1 => First,
        2 => 6,
        3 => 8,
        4 => 9,
        _ => 10,
    };

    private static long OfElements(ElementType type) => (int)type switch
    {
        16 => 4,
        >= 17 and <= 20 => 9,
        21 or 22 => 10,
        23 => 11,
        24 => 12,
        > 24 => Newest,
        _ => First,
    };
}
