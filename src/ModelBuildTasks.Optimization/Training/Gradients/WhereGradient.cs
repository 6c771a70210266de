using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = A where the condition holds, else B. ∂A is ∂Y there and 0 elsewhere, ∂B the rest, each summed over its broadcast axes. The condition has none.</summary>
internal sealed class WhereGradient : IGradientRule
{
    public string OpType => "Where";

    public void Differentiate(Node node, GradientContext context)
    {
        Value condition = node.Input(0)!, a = node.Input(1)!, b = node.Input(2)!;
        Value dy = context.Gradient(node.Output), zero = context.Number(0);
        if (context.Needs(a))
        {
            context.ContributeReduced(a, context.Graph.Add("Where", condition, dy, zero), context.Shape(node.Output));
        }

        if (context.Needs(b))
        {
            context.ContributeReduced(b, context.Graph.Add("Where", condition, zero, dy), context.Shape(node.Output));
        }
    }
}
