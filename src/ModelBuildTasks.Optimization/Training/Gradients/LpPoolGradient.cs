using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = (Σ|X|ᵖ)^(1/p) over each window, or over all positions. ∂X = sign(X) ⊙ |X|ᵖ⁻¹ ⊙ the sum of ∂Y / Yᵖ⁻¹ over the windows that an element is in, and
/// 0 from a window of zeros.
/// </summary>
/// <param name="opType">LpPool or GlobalLpPool.</param>
internal sealed class LpPoolGradient(string opType) : IGradientRule
{
    public string OpType => opType;

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value x = node.Input(0)!, y = node.Output;
        long[] shape = context.Shape(x);
        Value power = context.Number(node.GetInt("p", 2) - 1);
        Value positive = graph.Add("Where", graph.Add("Greater", y, context.Number(0)), y, context.Number(1));
        Value share = graph.Add("Div", context.Gradient(y), graph.Add("Pow", positive, power));
        Value sums = opType == "GlobalLpPool"
            ? graph.Add("Expand", share, context.Integers(shape))
            : Windows.Of(node, shape, context.Shape(y), node.GetInts("kernel_shape")!).SpreadEvenly(share, context);
        Value size = graph.Add("Pow", graph.Add("Abs", x), power);
        context.Contribute(x, graph.Add("Mul", graph.Add("Mul", graph.Add("Sign", x), size), sums));
    }
}
