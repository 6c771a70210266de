using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = Aᴮ. ∂A = ∂Y ⊙ B ⊙ Aᴮ⁻¹, and 0 where B is 0; ∂B = ∂Y ⊙ Y ⊙ ln A, and 0 where A is not positive, as there Y is defined at whole B only.
/// Each is summed over the axes along which the operand was broadcast.
/// </summary>
internal sealed class PowGradient : IGradientRule
{
    public string OpType => "Pow";

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value a = node.Input(0)!, b = node.Input(1)!, dy = context.Gradient(node.Output);
        long[] shape = context.Shape(node.Output);
        Value one = context.Number(1);
        if (context.Needs(a))
        {
            // The exponent may be of a whole type. With B = 0 the power is A⁰, so that no 0·∞ arises.
            Value exponent = context.Float(b);
            Value lower = graph.Add("Where", graph.Add("Equal", exponent, context.Number(0)), context.Number(0), graph.Add("Sub", exponent, one));
            context.ContributeReduced(a, graph.Add("Mul", dy, graph.Add("Mul", exponent, graph.Add("Pow", a, lower))), shape);
        }

        if (context.Needs(b))
        {
            Value log = graph.Add("Log", graph.Add("Where", graph.Add("Greater", a, context.Number(0)), a, one));
            context.ContributeReduced(b, graph.Add("Mul", dy, graph.Add("Mul", node.Output, log)), shape);
        }
    }
}
