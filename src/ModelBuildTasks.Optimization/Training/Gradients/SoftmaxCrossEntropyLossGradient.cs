using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// L = −mean over n of log softmax(S[n])[label n], S of shape [N, classes]. ∂S = ∂L · (softmax(S) − onehot(labels)) / N.
/// </summary>
internal sealed class SoftmaxCrossEntropyLossGradient : IGradientRule
{
    public string OpType => "SoftmaxCrossEntropyLoss";

    public void Differentiate(Node node, GradientContext context)
    {
        Value scores = node.Input(0)!, labels = node.Input(1)!;
        long[] shape = context.Shape(scores);
        if (shape.Length != 2 || node.Input(2) is not null || node.Has("ignore_index") || node.GetString("reduction") is not (null or "mean"))
        {
            throw new GradientException(node, "only the mean over scores [N, classes] without weights and ignored labels is covered");
        }

        Graph graph = context.Graph;
        Value likely = graph.AddNode("Softmax", [scores]).Set("axis", 1).Output;
        Value classes = graph.AddInitializer("classes", Tensor.Scalar(shape[1]));
        Value offAndOn = graph.AddInitializer("off_on", Tensor.Vector(0f, 1f));
        Value truth = graph.Add("OneHot", labels, classes, offAndOn);
        Value share = graph.Add("Mul", context.Gradient(node.Output), context.Number(1f / shape[0]));
        context.Contribute(scores, graph.Add("Mul", graph.Add("Sub", likely, truth), share));
    }
}
