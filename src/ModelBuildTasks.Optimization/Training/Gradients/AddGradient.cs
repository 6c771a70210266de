using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = A + B. ∂A = ∂Y and ∂B = ∂Y, each summed over the axes along which the operand was broadcast.</summary>
internal sealed class AddGradient : IGradientRule
{
    public string OpType => "Add";

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
