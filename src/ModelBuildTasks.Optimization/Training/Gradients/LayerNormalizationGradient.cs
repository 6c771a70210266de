using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Normalizes over an axis and all behind it; see <see cref="Standardization"/>. γ and β broadcast to X.</summary>
/// <param name="opType">LayerNormalization, or RMSNormalization, which has no centre.</param>
/// <param name="isCentred">Whether the mean is subtracted.</param>
internal sealed class LayerNormalizationGradient(string opType, bool isCentred) : IGradientRule
{
    public string OpType => opType;

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!, gamma = node.Input(1)!;
        if (node.Input(2) is { } beta && !context.Shape(beta).SequenceEqual(context.Shape(gamma)))
        {
            throw new GradientException(node, "its scale and bias have different shapes, which is not covered");
        }

        long[] shape = context.Shape(x);
        int first = context.Axis(node.GetInt("axis", -1), x);
        long[] axes = [.. Enumerable.Range(first, shape.Length - first).Select(axis => (long)axis)];
        new Standardization(shape, axes, context.Shape(gamma), node.GetFloat("epsilon", 1e-5f), isCentred).Differentiate(node, context);
    }
}
