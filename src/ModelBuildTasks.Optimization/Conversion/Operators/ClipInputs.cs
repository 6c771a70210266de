using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Clip takes <c>min</c> and <c>max</c> as inputs since version 11; an absent bound still means none.</summary>
internal sealed class ClipInputs() : OperatorConversion("Clip", 11)
{
    internal override bool ReadsTypes => true;

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        MoveBound(node, "min", 1, types);
        MoveBound(node, "max", 2, types);
    }

    private static void MoveBound(Node node, string bound, int input, IReadOnlyDictionary<Value, TensorType> types)
    {
        if (node.Has(bound))
        {
            node.SetInput(input, AddScalar(node, bound, node.GetFloat(bound, 0), types));
            node.Unset(bound);
        }
    }
}
