using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = A − B. ∂A = ∂Y and ∂B = −∂Y, each summed over the axes along which the operand was broadcast.</summary>
internal sealed class SubGradient : IGradientRule
{
    public string OpType => "Sub";

    public bool Covers(ElementType type) => type is ElementType.Float or ElementType.Double;

    public void Differentiate(Node node, GradientContext context)
    {
        Value a = node.Input(0)!, b = node.Input(1)!, dy = context.Gradient(node.Output);
        long[] shape = context.Shape(node.Output);
        if (context.Needs(a))
        {
            context.ContributeReduced(a, dy, shape);
        }

        if (context.Needs(b))
        {
            context.ContributeReduced(b, context.Graph.Add("Neg", dy), shape);
        }
    }
}
