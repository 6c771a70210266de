using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y is the operands behind one another along an axis. The gradient of each is its part of ∂Y.</summary>
internal sealed class ConcatGradient : IGradientRule
{
    public string OpType => "Concat";

    public bool Covers(ElementType type) => true;

    public void Differentiate(Node node, GradientContext context)
    {
        Value dy = context.Gradient(node.Output);
        int axis = context.Axis(node.GetInt("axis", 0), node.Output);
        long start = 0;
        foreach (Value? operand in node.Inputs)
        {
            long end = start + context.Shape(operand!)[axis];
            if (context.Needs(operand))
            {
                context.Contribute(operand!, context.Graph.Add("Slice", dy, context.Integers(start), context.Integers(end), context.Integers(axis)));
            }

            start = end;
        }
    }
}
