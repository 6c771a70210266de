using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = max or min of the operands, element by element. ∂Y goes to the operand that was taken, in equal shares where several are equal, and is
/// summed over the axes along which the operand was broadcast.
/// </summary>
internal sealed class ExtremumGradient(string opType) : IGradientRule
{
    public string OpType => opType;

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value[] taken = [.. node.Inputs.Select(operand => context.Float(graph.Add("Equal", operand, node.Output)))];
        Value share = graph.Add("Div", context.Gradient(node.Output), graph.AddNode("Sum", taken).Output);
        for (int i = 0; i < taken.Length; i++)
        {
            if (context.Needs(node.Inputs[i]))
            {
                context.ContributeReduced(node.Inputs[i]!, graph.Add("Mul", share, taken[i]), context.Shape(node.Output));
            }
        }
    }
}
