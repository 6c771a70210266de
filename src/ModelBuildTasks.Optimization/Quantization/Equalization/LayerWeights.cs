using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>The weights between each output channel of a layer and each input channel that it reads, over the positions of the filter.</summary>
internal sealed class LayerWeights
{
    private readonly int[] firstInputs;

    internal LayerWeights(LinearLayer layer)
    {
        int groups = layer.Node.OpType is "Conv" or "ConvTranspose" ? (int)layer.Node.GetInt("group", 1) : 1;
        Outputs = layer.OutputChannels;
        InputsOfOutput = layer.InputChannels / groups;
        Largest = new float[Outputs * InputsOfOutput];
        Squares = new float[Outputs * InputsOfOutput];
        firstInputs = [.. Enumerable.Range(0, Outputs).Select(output => output / (Outputs / groups) * InputsOfOutput)];
        layer.VisitWeights((output, input, weight) =>
        {
            int at = output * InputsOfOutput + input - firstInputs[output];
            Largest[at] = Math.Max(Largest[at], (float)Math.Abs(weight));
            Squares[at] += (float)(weight * weight);
        });
        Taps = (int)(layer.Node.Input(1)!.Constant!.Length / Largest.Length);
    }

    internal int Outputs { get; }

    /// <summary>How many input channels an output channel reads.</summary>
    internal int InputsOfOutput { get; }

    /// <summary>The weights of one pair of channels.</summary>
    internal int Taps { get; }

    /// <summary>[outputs, inputs of an output]: the largest magnitude.</summary>
    internal float[] Largest { get; }

    /// <summary>[outputs, inputs of an output]: the sum of squares.</summary>
    internal float[] Squares { get; }

    /// <summary>The first input channel that an output channel reads.</summary>
    internal int FirstInput(int output) => firstInputs[output];
}
