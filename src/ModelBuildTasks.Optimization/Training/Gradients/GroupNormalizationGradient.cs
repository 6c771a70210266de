using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Normalizes groups of channels of each sample; see <see cref="Standardization"/>. γ and β are [C], before operator set 21 one for each group.</summary>
internal sealed class GroupNormalizationGradient : IGradientRule
{
    /// <summary>The operator set in which scale and bias became those of channels.</summary>
    private const long PerChannel = 21;

    public string OpType => "GroupNormalization";

    public void Differentiate(Node node, GradientContext context)
    {
        long[] x = context.Shape(node.Input(0)!);
        long groups = node.GetInt("num_groups", 1), channels = x[1] / groups;
        long[] shape = [x[0], groups, channels, x.Skip(2).Product()];
        new Standardization(shape, [2, 3], context.Graph.Model.Opset < PerChannel ? [groups, 1, 1] : [groups, channels, 1], node.GetFloat("epsilon", 1e-5f)).Differentiate(node, context);
    }
}
