using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = W ∗ X + B over any number of axes. ∂X is the transposed convolution of ∂Y by W; ∂W are the <see cref="WindowProducts"/> of X and ∂Y;
/// ∂B = Σ∂Y.
/// </summary>
internal sealed class ConvGradient : IGradientRule
{
    public string OpType => "Conv";

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!, w = node.Input(1)!, dy = context.Gradient(node.Output);
        long groups = node.GetInt("group", 1);
        Windows windows = Windows.Of(node, context.Shape(x), context.Shape(node.Output), context.Shape(w)[2..]);
        if (context.Needs(x))
        {
            context.Contribute(x, windows.Spread(dy, w, groups, context));
        }

        if (context.Needs(w))
        {
            context.Contribute(w, WindowProducts.Add(x, dy, windows, groups, context));
        }

        if (node.Input(2) is { } bias && context.Needs(bias))
        {
            context.Contribute(bias, context.ReduceSum(dy, keepAxes: false, [.. context.AxesBut(1, node.Output)]));
        }
    }
}
