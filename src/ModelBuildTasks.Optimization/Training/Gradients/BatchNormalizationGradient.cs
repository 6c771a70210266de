using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = γ·x̂ + β with x̂ = (X − μ)·r and r = 1/√(σ² + ε), per channel. ∂β = Σ∂Y, ∂γ = Σ∂Y·x̂ = r·(Σ∂Y·X − μ·∂β).
/// With stored statistics ∂X = γ·r·∂Y. In training mode μ and σ² come from the P values of a channel in the batch, and
/// ∂X = γ·r·(∂Y − ∂β/P − x̂·∂γ/P) (Ioffe, Szegedy 2015), computed as a·∂Y + b·X + c with a, b, c per channel.
/// </summary>
/// <remarks>In training mode momentum must be 0, so that the second and third outputs are μ and σ² themselves; see <see cref="BatchStatistics"/>.</remarks>
internal sealed class BatchNormalizationGradient : IGradientRule
{
    public string OpType => "BatchNormalization";

    public void Differentiate(Node node, GradientContext context)
    {
        bool training = node.GetInt("training_mode", 0) != 0;
        if (training && (node.GetFloat("momentum", 0.9f) != 0 || node.Outputs.Count < 3))
        {
            throw new GradientException(node, "training mode needs momentum 0 and the outputs of mean and variance");
        }

        if (!training)
        {
            context.RefuseInput(node, node.Input(3), "its mean is not trained");
            context.RefuseInput(node, node.Input(4), "its variance is not trained");
        }

        Graph graph = context.Graph;
        Value x = node.Input(0)!, gamma = node.Input(1)!, beta = node.Input(2)!;
        Value mean = training ? node.Outputs[1] : node.Input(3)!;
        Value variance = training ? node.Outputs[2] : node.Input(4)!;
        Value dy = context.Gradient(node.Output);
        long[] shape = context.Shape(x);
        long[] otherAxes = [.. Enumerable.Range(0, shape.Length).Where(axis => axis != 1).Select(axis => (long)axis)];
        Value deviation = graph.Add("Sqrt", graph.Add("Add", variance, context.Number(node.GetFloat("epsilon", 1e-5f))));
        Value rate = graph.Add("Reciprocal", deviation);

        Value dBeta = context.ReduceSum(dy, keepAxes: false, otherAxes);
        Value correlation = context.ReduceSum(graph.Add("Mul", dy, x), keepAxes: false, otherAxes);
        Value dGamma = graph.Add("Mul", rate, graph.Add("Sub", correlation, graph.Add("Mul", mean, dBeta)));
        if (context.Needs(gamma))
        {
            context.Contribute(gamma, dGamma);
        }

        if (context.Needs(beta))
        {
            context.Contribute(beta, dBeta);
        }

        if (!context.Needs(x))
        {
            return;
        }

        long[] perChannel = [shape[1], .. Enumerable.Repeat(1L, shape.Length - 2)];
        Value a = graph.Add("Mul", gamma, rate);
        Value scaled = graph.Add("Mul", dy, context.Reshape(a, perChannel));
        if (!training)
        {
            context.Contribute(x, scaled);
            return;
        }

        Value share = context.Number(1f / (shape.Product() / shape[1]));
        Value b = graph.Add("Neg", graph.Add("Mul", graph.Add("Mul", a, rate), graph.Add("Mul", dGamma, share)));
        Value c = graph.Add("Neg", graph.Add("Add", graph.Add("Mul", a, graph.Add("Mul", dBeta, share)), graph.Add("Mul", b, mean)));

        // b·X + c in one pass instead of two: a normalization by mean 0 and variance 1.
        Value zeros = graph.AddInitializer("zeros", Tensor.Create([shape[1]], new float[shape[1]]));
        Value line = graph.AddNode("BatchNormalization", [x, b, c, zeros, graph.AddInitializer("ones", ShapeProbe.Ones([shape[1]]))]).Set("epsilon", 0f).Output;
        context.Contribute(x, graph.Add("Add", scaled, line));
    }
}
