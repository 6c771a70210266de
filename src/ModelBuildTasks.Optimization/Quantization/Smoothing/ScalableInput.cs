using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization.Smoothing;

/// <summary>
/// A value that matrix products with constant weights read and whose channels can be scaled: x·W → (x/s)·(s·W), the division in what computes x
/// (<see cref="ScaledProducer"/>), the multiplication in the weights. Anything else that reads x, such as the sum of a residual network, reads s·(x/s).
/// </summary>
/// <param name="Value">[…, channels].</param>
/// <param name="Layers">The products that read it.</param>
/// <param name="Others">What else reads it.</param>
internal sealed record ScalableInput(Value Value, IReadOnlyList<Layer> Layers, IReadOnlyList<Use> Others)
{
    internal int Channels { get; } = Layers[0].Inputs;

    /// <summary>All of a graph, in topological order.</summary>
    /// <param name="refusals">Takes a sentence for each value that cannot be scaled.</param>
    internal static IReadOnlyList<ScalableInput> In(Graph graph, List<string> refusals)
    {
        List<ScalableInput> found = [];
        IEnumerable<IGrouping<Value, Layer>> groups = graph.TopologicalOrder()
            .Where(node => node is { OpType: "MatMul" or "Gemm", Domain: "" })
            .Select(node => Layer.From(node, out _))
            .OfType<Layer>()
            .GroupBy(layer => layer.Node.Inputs[0]!);
        foreach (IGrouping<Value, Layer> group in groups)
        {
            Layer[] layers = [.. group];
            ScalableInput input = new(group.Key, layers, [.. group.Key.Uses.Where(use => use.Index != 0 || layers.All(layer => layer.Node != use.Node))]);
            if (input.Refusal() is { } reason)
            {
                refusals.Add(input.Describe(reason));
            }
            else
            {
                found.Add(input);
            }
        }

        return found;
    }

    internal string Describe(string reason) => $"'{Value.Name}' is not scaled: {reason}.";

    /// <summary>Whether dividing the value changes no weights in front of it, but vectors alone.</summary>
    internal bool IsDividedByVectors => !ScaledProducer.Find(Value, Channels, out _)!.ChangesWeights;

    /// <param name="scales">Positive, one a channel.</param>
    internal void Scale(double[] scales)
    {
        Divide(scales);
        foreach (Layer layer in Layers)
        {
            ChannelAffine affine = new(Value, scales, new double[Channels]);
            if (LinearLayer.From(layer.Node, out string? reason)?.AbsorbBefore(affine, layer.Node, GrowthBudget.Unlimited, new ShiftShares()) is { } failure)
            {
                throw new InvalidOperationException($"{LinearLayer.Describe(layer.Node)} took no scale: {reason ?? failure}.");
            }
        }
    }

    /// <summary>Divides the value, and multiplies what others than the layers read. The layers' weights are left to the caller.</summary>
    /// <inheritdoc cref="Scale"/>
    internal void Divide(double[] scales)
    {
        ScaledProducer.Find(Value, Channels, out _)!.Divide(scales);
        if (Others.Count > 0)
        {
            Graph graph = Value.Graph;
            Value factors = graph.AddInitializer(Value.Name + "_smoothing", Tensor.Vector(Array.ConvertAll(scales, scale => (float)scale)));
            Value unscaled = graph.AddNode("Mul", [Value, factors], name: Value.Name + "_unscaled").Output;
            foreach (Use use in Others)
            {
                use.Node.SetInput(use.Index, unscaled);
            }
        }
    }

    private string? Refusal()
    {
        if (Value.IsOutput)
        {
            return "it is an output";
        }

        if (Others.Any(use => use.Node.Graph != Value.Graph))
        {
            return "a nested graph reads it";
        }

        foreach (Layer layer in Layers)
        {
            if (LinearLayer.From(layer.Node, out string? reason) is null)
            {
                return reason ?? "its weights cannot be changed";
            }
        }

        return ScaledProducer.Find(Value, Channels, out string? refusal) is null ? refusal : null;
    }
}
