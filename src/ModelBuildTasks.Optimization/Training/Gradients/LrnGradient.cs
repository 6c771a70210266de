using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = X·S^(−β) with S = k + α/n·Σ X² over the n channels around each (Krizhevsky et al. 2012). ∂X = ∂Y·S^(−β) − 2αβ/n·X·Σ ∂Y·X·S^(−β−1) over the channels
/// whose window an element is in.
/// </summary>
internal sealed class LrnGradient : IGradientRule
{
    public string OpType => "LRN";

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value x = node.Input(0)!, dy = context.Gradient(node.Output);
        long size = node.GetInt("size", 1), before = (size - 1) / 2;
        float alpha = node.GetFloat("alpha", 1e-4f) / size, beta = node.GetFloat("beta", 0.75f);
        Value sum = context.Plus(context.Times(Windowed(context.Square(x), size, before, context), alpha), node.GetFloat("bias", 1));
        Value share = graph.Add("Mul", dy, graph.Add("Pow", sum, context.Number(-beta)));
        Value spread = Windowed(graph.Add("Div", graph.Add("Mul", share, x), sum), size, size - 1 - before, context);
        context.Contribute(x, graph.Add("Sub", share, context.Times(graph.Add("Mul", x, spread), 2 * alpha * beta)));

        Value Windowed(Value value, long size, long before, GradientContext context)
        {
            long[] shape = context.Shape(x);
            Value channels = context.Reshape(value, shape[0], 1, shape[1], shape.Skip(2).Product());
            Value sums = graph.AddNode("Conv", [channels, graph.AddInitializer("ones", ShapeProbe.Ones([1, 1, size, 1]))])
                .Set("kernel_shape", [size, 1])
                .Set("pads", [before, 0, size - 1 - before, 0]).Output;
            return context.Reshape(sums, shape);
        }
    }
}
