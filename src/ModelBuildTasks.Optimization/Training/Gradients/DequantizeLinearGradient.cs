using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>The second half of a pair: hands ∂Y on to <see cref="QuantizeLinearGradient"/> as it is, in units of Y.</summary>
internal sealed class DequantizeLinearGradient : IGradientRule
{
    public string OpType => "DequantizeLinear";

    public void Differentiate(Node node, GradientContext context)
    {
        Value quantized = node.Input(0)!;
        context.RefuseInput(node, node.Input(1), "its scale is not trained");
        if (context.Needs(quantized))
        {
            if (quantized.Producer is not { OpType: "QuantizeLinear" })
            {
                throw new GradientException(node, "its input is computed by other operators than QuantizeLinear");
            }

            context.Contribute(quantized, context.Gradient(node.Output));
        }
    }
}
