using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = (A + B + …) / n for n operands. ∂A = ∂Y / n and so on, each summed over the axes along which the operand was broadcast.</summary>
internal sealed class MeanGradient : IGradientRule
{
    public string OpType => "Mean";

    public void Differentiate(Node node, GradientContext context)
    {
        Value share = context.Times(context.Gradient(node.Output), 1f / node.Inputs.Count);
        foreach (Value? operand in node.Inputs)
        {
            if (context.Needs(operand))
            {
                context.ContributeReduced(operand!, share, context.Shape(node.Output));
            }
        }
    }
}
