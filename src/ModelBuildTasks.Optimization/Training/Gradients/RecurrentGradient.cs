using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>LSTM, GRU and RNN are differentiated step by step, after <see cref="RecurrentUnrolling"/>. A node that is still there could not be unrolled.</summary>
internal sealed class RecurrentGradient(string opType) : IGradientRule
{
    public string OpType => opType;

    public bool CoversEveryOutput => true;

    public void Differentiate(Node node, GradientContext context) =>
        throw new GradientException(node, RecurrentUnrolling.Obstacle(node, context.Shape(node.Input(0)!)) ?? "it was not unrolled");
}
