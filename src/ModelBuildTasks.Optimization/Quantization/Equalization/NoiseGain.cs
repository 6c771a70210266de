using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>
/// How much a little noise in a channel adds to the noise of the outputs: 1 for an output, through a layer Σ W² over what reads the channel,
/// and the sum over readers. Noise is taken as independent, and other operators as handing on what they get.
/// </summary>
internal sealed class NoiseGain
{
    private readonly Dictionary<Value, double[]> gains = [];

    internal NoiseGain(ChannelGroups groups, IReadOnlyDictionary<Node, LayerWeights> weights)
    {
        foreach (Value value in groups.Values)
        {
            gains[value] = new double[groups.Of(value)!.Length];
            if (value.IsOutput)
            {
                Array.Fill(gains[value], 1);
            }
        }

        foreach (Node node in groups.Order.Reverse())
        {
            if (weights.TryGetValue(node, out LayerWeights? layer))
            {
                ThroughLayer(layer, gains[node.Output], gains[node.Inputs[0]!]);
            }
            else if (groups.Flows.TryGetValue(node, out IReadOnlyList<ChannelFlow>? flows))
            {
                foreach (ChannelFlow flow in flows)
                {
                    (double[] input, double[] output) = (gains[flow.Input], gains[flow.Output]);
                    for (int c = 0; c < output.Length; c++)
                    {
                        if (flow.From[c] >= 0)
                        {
                            input[flow.From[c]] += output[c];
                        }
                    }
                }
            }
            else
            {
                double mean = node.Outputs.Select(output => gains.TryGetValue(output, out double[]? gain) ? gain.Average() : 1).DefaultIfEmpty(1).Average();
                foreach (double[] input in node.Inputs.Where(value => value is not null && gains.ContainsKey(value)).Select(value => gains[value!]))
                {
                    for (int c = 0; c < input.Length; c++)
                    {
                        input[c] += mean;
                    }
                }
            }
        }
    }

    /// <summary>The gain of each channel of a value that has channels.</summary>
    internal double[] Of(Value value) => gains[value];

    private static void ThroughLayer(LayerWeights layer, double[] output, double[] input)
    {
        for (int o = 0; o < layer.Outputs; o++)
        {
            for (int i = 0; i < layer.InputsOfOutput; i++)
            {
                input[layer.FirstInput(o) + i] += output[o] * layer.Squares[o * layer.InputsOfOutput + i];
            }
        }
    }
}
