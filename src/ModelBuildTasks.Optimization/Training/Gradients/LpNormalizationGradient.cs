using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = X / n with n = ‖X‖ₚ along an axis, p 1 or 2. ∂X = (∂Y − s ⊙ Σ∂Y ⊙ Y) / n with s = ∂n/∂X, which is sign(X) or Y.</summary>
internal sealed class LpNormalizationGradient : IGradientRule
{
    public string OpType => "LpNormalization";

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value x = node.Input(0)!, y = node.Output, dy = context.Gradient(y);
        long axis = node.GetInt("axis", -1);
        bool isEuclidean = node.GetInt("p", 2) == 2;
        Value norm = isEuclidean
            ? graph.Add("Sqrt", context.ReduceSum(context.Square(x), keepAxes: true, axis))
            : context.ReduceSum(graph.Add("Abs", x), keepAxes: true, axis);
        Value along = graph.Add("Mul", isEuclidean ? y : graph.Add("Sign", x), context.ReduceSum(graph.Add("Mul", dy, y), keepAxes: true, axis));
        context.Contribute(x, graph.Add("Div", graph.Add("Sub", dy, along), norm));
    }
}
