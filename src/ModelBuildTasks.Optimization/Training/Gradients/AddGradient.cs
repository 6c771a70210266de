using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = A + B + …, for Add and Sum. ∂A = ∂Y and so on, each summed over the axes along which the operand was broadcast.</summary>
internal sealed class AddGradient(string opType) : IGradientRule
{
    public string OpType => opType;

    public bool Covers(ElementType type) => type is ElementType.Float or ElementType.Double;

    public void Differentiate(Node node, GradientContext context)
    {
        Value gradient = context.Gradient(node.Output);
        foreach (Value? operand in node.Inputs)
        {
            if (context.Needs(operand))
            {
                context.ContributeReduced(operand!, gradient, context.Shape(node.Output));
            }
        }
    }
}
