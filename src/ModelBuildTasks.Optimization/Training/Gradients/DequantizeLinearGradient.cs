using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// The second half of a pair, Y = (q − z)·s: hands ∂Y on to <see cref="QuantizeLinearGradient"/> as it is, in units of Y, which needs one scale for both. The scale itself
/// gets Σ ∂Y ⊙ (q − z), that of each channel over its own elements.
/// </summary>
internal sealed class DequantizeLinearGradient : IGradientRule
{
    public string OpType => "DequantizeLinear";

    public void Differentiate(Node node, GradientContext context)
    {
        Value quantized = node.Input(0)!, scale = node.Input(1)!;
        Value dy = context.Gradient(node.Output);
        if (node.GetInt("block_size", 0) != 0)
        {
            throw new GradientException(node, "only scales of a tensor or of its channels are covered, no blocks");
        }

        if (context.Needs(quantized))
        {
            IReadOnlyList<Node>? sources = CodePath.Sources(quantized) ?? throw new GradientException(node, "its input is computed by other operators than QuantizeLinear");
            if (sources.Any(source => !CodePath.IsSameScale(source.Input(1)!, scale)))
            {
                throw new GradientException(node, "its scale is another one than that of the QuantizeLinear in front");
            }

            context.Contribute(quantized, dy);
        }

        if (context.Needs(scale))
        {
            context.Contribute(scale, CodePath.PerScale(node, dy, node.Output, context));
        }
    }
}
