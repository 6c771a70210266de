using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>Sketches of every channel of every input, made while samples are read.</summary>
internal sealed class InputSketches
{
    private readonly (TensorSignature Signature, InputChannels Channels, ChannelSketch[] Sketches)[] inputs;
    private int samples;

    internal InputSketches(IReadOnlyList<TensorSignature> signatures) => inputs = [.. signatures.Select(signature =>
    {
        InputChannels channels = InputChannels.Of(signature);
        return (signature, channels, Enumerable.Range(0, channels.Count).Select(channel => new ChannelSketch(channel)).ToArray());
    })];

    internal void Add(Sample sample)
    {
        for (int input = 0; input < inputs.Length; input++)
        {
            (_, InputChannels channels, ChannelSketch[] sketches) = inputs[input];
            ReadOnlySpan<float> values = channels.Elements(sample.Inputs[input]);
            for (int channel = 0; channel < sketches.Length; channel++)
            {
                (int start, int step, int count) = channels.Place(values.Length, channel);
                sketches[channel].Widen(values, start, step, count);
                sketches[channel].Add(channels.Gather(values, channel, samples));
            }
        }

        samples++;
    }

    internal IReadOnlyList<InputDistribution> Describe() =>
        [.. inputs.SelectMany(input => input.Sketches.Select((sketch, channel) => sketch.Describe(input.Signature.Name, input.Channels.Count == 1 ? null : channel, samples)))];
}
