using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>Between <see cref="TensorType"/> and <c>TypeProto</c>.</summary>
internal static class TypeEncoding
{
    internal static TensorType Decode(TypeProto.Types.Tensor type)
    {
        Dimension[]? shape = type.Shape is null ? null : [.. type.Shape.Dim.Select(Decode)];
        return new TensorType((ElementType)type.ElemType, (IReadOnlyList<Dimension>?)shape);
    }

    internal static TypeProto Encode(TensorType type, TypeProto? carrier)
    {
        TypeProto proto = carrier?.Clone() ?? new TypeProto();
        proto.TensorType = new TypeProto.Types.Tensor { ElemType = (int)type.ElementType };
        if (type.Shape is { } shape)
        {
            proto.TensorType.Shape = new TensorShapeProto();
            proto.TensorType.Shape.Dim.AddRange(shape.Select(Encode));
        }

        return proto;
    }

    private static Dimension Decode(TensorShapeProto.Types.Dimension dimension) => dimension.ValueCase switch
    {
        // Negative sizes are a habit of some exporters for "unknown".
        TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue when dimension.DimValue >= 0 => dimension.DimValue,
        TensorShapeProto.Types.Dimension.ValueOneofCase.DimParam when dimension.DimParam.Length != 0 => dimension.DimParam,
        _ => Dimension.Unknown,
    };

    private static TensorShapeProto.Types.Dimension Encode(Dimension dimension) => dimension switch
    {
        { Size: { } size } => new() { DimValue = size },
        { Symbol: { } symbol } => new() { DimParam = symbol },
        _ => new(),
    };
}
