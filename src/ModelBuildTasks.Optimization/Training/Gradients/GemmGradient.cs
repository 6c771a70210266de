using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = α·A'·B' + β·C, where ' transposes on request. ∂A' = α·∂Y·B'ᵀ, ∂B' = α·A'ᵀ·∂Y, ∂C = β·∂Y summed over its broadcast axes.</summary>
internal sealed class GemmGradient : IGradientRule
{
    public string OpType => "Gemm";

    public void Differentiate(Node node, GradientContext context)
    {
        Value gradient = context.Gradient(node.Output);
        Value a = node.Input(0)!, b = node.Input(1)!;
        float alpha = node.GetFloat("alpha", 1);
        bool transA = node.GetInt("transA", 0) != 0, transB = node.GetInt("transB", 0) != 0;
        if (context.Needs(a))
        {
            context.Contribute(a, transA
                ? Product(context.Graph, b, transB, gradient, transposeRight: true, alpha)
                : Product(context.Graph, gradient, transposeLeft: false, b, !transB, alpha));
        }

        if (context.Needs(b))
        {
            context.Contribute(b, transB
                ? Product(context.Graph, gradient, transposeLeft: true, a, transA, alpha)
                : Product(context.Graph, a, !transA, gradient, transposeRight: false, alpha));
        }

        if (node.Input(2) is { } c && context.Needs(c))
        {
            float beta = node.GetFloat("beta", 1);
            Value scaled = beta == 1 ? gradient : context.Graph.Add("Mul", gradient, context.Number(beta));
            context.ContributeReduced(c, scaled, context.Shape(node.Output));
        }
    }

    private static Value Product(Graph graph, Value left, bool transposeLeft, Value right, bool transposeRight, float alpha) =>
        graph.AddNode("Gemm", [left, right]).Set("transA", transposeLeft ? 1 : 0).Set("transB", transposeRight ? 1 : 0).Set("alpha", alpha).Output;
}
