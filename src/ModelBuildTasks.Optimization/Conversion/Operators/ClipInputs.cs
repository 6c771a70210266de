using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Clip takes <c>min</c> and <c>max</c> as inputs since version 11; an absent bound still means none.</summary>
internal sealed class ClipInputs() : OperatorConversion("Clip", 11)
{
    internal override void Convert(Node node)
    {
        MoveBound(node, "min", 1);
        MoveBound(node, "max", 2);
    }

    private static void MoveBound(Node node, string bound, int input)
    {
        if (node.Has(bound))
        {
            node.SetInput(input, AddScalar(node, bound, node.GetFloat(bound, 0)));
            node.Unset(bound);
        }
    }
}
