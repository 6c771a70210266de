using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Follows what is known of normalized activations through the operators behind them: a function of one number is integrated over the normal
/// distribution, sums and products are taken as independent, and a layer without a normalization has the mean W·E[x] + b. Nothing is known of the model's
/// inputs, and so of nothing that stands in front of the first normalization.
/// </summary>
internal static class DistributionPropagation
{
    /// <summary>The distributions of the main graph's values, as far as they are known.</summary>
    internal static Dictionary<Value, ChannelDistribution> Run(Graph graph, NormalizationStatistics statistics)
    {
        Dictionary<Value, ChannelDistribution> known = [];
        foreach (Node node in graph.TopologicalOrder().Where(node => node.Domain.Length == 0))
        {
            if ((statistics.Find(node.Output) ?? Follow(node, known)) is { } distribution)
            {
                foreach (Value output in node.Outputs)
                {
                    known[output] = distribution;
                }
            }
        }

        return known;
    }

    private static ChannelDistribution? Follow(Node node, Dictionary<Value, ChannelDistribution> known)
    {
        ChannelDistribution? Of(int index) => node.Input(index) is not { } input ? null : known.GetValueOrDefault(input) ?? OfConstant(input.Constant);
        if (Of(0) is not { } first)
        {
            return null;
        }

        if (Function(node) is { } function)
        {
            return first.Map(function);
        }

        switch (node.OpType)
        {
            case "MaxPool" or "AveragePool" or "GlobalAveragePool" or "GlobalMaxPool" or "ReduceMean" or "Identity" or "Dropout" or "Flatten" or "Squeeze" or "Resize" or "Upsample":
                return first;
            case "Pad":
                return first with { Lowest = Array.ConvertAll(first.Lowest, x => Math.Min(x, 0)), Highest = Array.ConvertAll(first.Highest, x => Math.Max(x, 0)) };
            case "Reshape" or "Transpose" or "Slice" or "Split" or "Gather" or "DepthToSpace" or "SpaceToDepth" or "Unsqueeze" or "Expand" or "Tile":
                return first.Pooled();
            case "Softmax":
                return new ChannelDistribution([0.5], [0.5], [0], [1]);
            case "Add" when Of(1) is { } second:
                return first.Plus(second);
            case "Mul" when Of(1) is { } second:
                return node.Input(0) == node.Input(1) ? first.Map(x => x * x) : first.Times(second);
            case "Concat":
                ChannelDistribution?[] parts = [.. Enumerable.Range(0, node.Inputs.Count).Select(Of)];
                return parts.Contains(null) ? null : node.GetInt("axis", 0) == 1 ? ChannelDistribution.Join(parts!) : ChannelDistribution.Join(parts!).Pooled();
            case "Conv" or "Gemm" or "MatMul":
                return Layer.From(node, out _) is { } layer ? Through(layer.Canonical(), first) : null;
            default:
                return null;
        }
    }

    private static Func<double, double>? Function(Node node)
    {
        if (QuantizableOperators.ClampBound(node) is { } bound)
        {
            return x => Math.Clamp(x, 0, bound);
        }

        double alpha = node.GetFloat("alpha", node.OpType == "HardSigmoid" ? 0.2f : 0.01f), beta = node.GetFloat("beta", 0.5f);
        return node.OpType switch
        {
            "LeakyRelu" => x => x < 0 ? alpha * x : x,
            "Sigmoid" => x => 1 / (1 + Math.Exp(-x)),
            "HardSigmoid" => x => Math.Clamp(alpha * x + beta, 0, 1),
            "HardSwish" => x => x * Math.Clamp(x / 6 + 0.5, 0, 1),
            "Tanh" => Math.Tanh,
            "Neg" => x => -x,
            _ => null,
        };
    }

    private static ChannelDistribution? OfConstant(Tensor? constant)
    {
        if (constant is not { ElementType: ElementType.Float, Length: > 0 })
        {
            return null;
        }

        double[] values = Array.ConvertAll(constant.ToSingles(), x => (double)x);
        return new ChannelDistribution(values, new double[values.Length], values, values).Pooled();
    }

    /// <summary>
    /// Σ W·x + b. Channels are taken as independent; the taps of one channel as well, or as one and the same number, whichever varies more.
    /// </summary>
    private static ChannelDistribution? Through(Layer layer, ChannelDistribution input)
    {
        bool isProduct = layer.Node.OpType != "Conv";
        int outputs = layer.OutputChannels;
        int columns = (int)(layer.Weight.Length / outputs);
        int group = isProduct ? 1 : (int)layer.Node.GetInt("group", 1);
        int inputs = isProduct ? columns : (int)layer.Weight.Dimensions[1];
        int taps = columns / inputs;
        int perChannel = input.Channels == 1 ? int.MaxValue : inputs * group / input.Channels;
        if (perChannel == 0 || (input.Channels > 1 && inputs * group % input.Channels != 0))
        {
            return null;
        }

        ReadOnlySpan<float> weight = layer.Weight.Span<float>();
        (double[] mean, double[] deviation) = (new double[outputs], new double[outputs]);
        for (int o = 0; o < outputs; o++)
        {
            double sum = layer.Bias?.Span<float>()[o] ?? 0, variance = 0;
            for (int i = 0; i < inputs; i++)
            {
                double total = 0, squares = 0;
                for (int t = 0; t < taps; t++)
                {
                    double w = weight[isProduct ? i * outputs + o : (o * inputs + i) * taps + t];
                    total += w;
                    squares += w * w;
                }

                int channel = (o / (outputs / group) * inputs + i) / perChannel;
                sum += total * input.Mean[channel];
                variance += Math.Max(total * total, squares) * input.Deviation[channel] * input.Deviation[channel];
            }

            (mean[o], deviation[o]) = (sum, Math.Sqrt(variance));
        }

        return mean.Concat(deviation).All(double.IsFinite) ? ChannelDistribution.Normal(mean, deviation) : null;
    }
}
