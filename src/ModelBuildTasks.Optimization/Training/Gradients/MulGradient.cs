using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = A ⊙ B. ∂A = ∂Y ⊙ B and ∂B = ∂Y ⊙ A, each summed over the axes along which the operand was broadcast.</summary>
internal sealed class MulGradient : IGradientRule
{
    public string OpType => "Mul";

    public bool Covers(ElementType type) => type is ElementType.Float or ElementType.Double;

    public void Differentiate(Node node, GradientContext context)
    {
        Value gradient = context.Gradient(node.Output);
        for (int i = 0; i < 2; i++)
        {
            Value operand = node.Inputs[i]!;
            if (context.Needs(operand))
            {
                Value product = context.Graph.Add("Mul", gradient, node.Inputs[1 - i]);
                context.ContributeReduced(operand, product, context.Shape(node.Output));
            }
        }
    }
}
