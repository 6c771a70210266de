using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Outside of training mode Y is X, so ∂X is ∂Y.</summary>
internal sealed class DropoutGradient : IGradientRule
{
    public string OpType => "Dropout";

    public bool Covers(ElementType type) => true;

    public void Differentiate(Node node, GradientContext context)
    {
        if (node.Input(2) is { } mode && (mode.Constant is not { } training || training.Span<bool>()[0]))
        {
            throw new GradientException(node, "it may drop elements at random, which is not covered");
        }

        context.Contribute(node.Input(0)!, context.Gradient(node.Output));
    }
}
