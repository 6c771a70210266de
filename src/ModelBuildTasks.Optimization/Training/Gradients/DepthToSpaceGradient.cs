using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Blocks of b · b channels become blocks of b · b positions: X [N, b·b·C, H, W] seen as [N, b, b, C, H, W] (DCR) or [N, C, b, b, H, W] (CRD) is
/// transposed to [N, C, H, b, W, b]. ∂X is ∂Y taken the way back.
/// </summary>
internal sealed class DepthToSpaceGradient : IGradientRule
{
    public string OpType => "DepthToSpace";

    public void Differentiate(Node node, GradientContext context)
    {
        Value input = node.Input(0)!;
        long[] shape = context.Shape(input);
        long block = node.GetInt("blocksize", 1), channels = shape[1] / (block * block);
        Value spread = context.Reshape(context.Gradient(node.Output), shape[0], channels, shape[2], block, shape[3], block);
        Value back = node.GetString("mode") == "CRD"
            ? context.Transpose(spread, 0, 1, 3, 5, 2, 4)
            : context.Transpose(spread, 0, 3, 5, 1, 2, 4);
        context.Contribute(input, context.Reshape(back, shape));
    }
}
