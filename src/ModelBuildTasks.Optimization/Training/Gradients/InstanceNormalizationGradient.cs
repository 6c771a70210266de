using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Normalizes each channel of each sample over its positions; see <see cref="Standardization"/>. γ and β are [C].</summary>
internal sealed class InstanceNormalizationGradient : IGradientRule
{
    public string OpType => "InstanceNormalization";

    public void Differentiate(Node node, GradientContext context)
    {
        long[] x = context.Shape(node.Input(0)!);
        long[] shape = [x[0], x[1], x.Skip(2).Product()];
        new Standardization(shape, [2], [x[1], 1], node.GetFloat("epsilon", 1e-5f)).Differentiate(node, context);
    }
}
