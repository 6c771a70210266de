using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>
/// Measures quantized forms of a model against its float form on a few calibration samples. Scores that a last Softmax makes probabilities are compared before it:
/// behind it, all but the samples that the model is unsure of would show no noise. Outputs of 16-bit floating point, as models lifted from it keep them, are
/// compared as float32 numbers.
/// </summary>
internal sealed class FidelityProbe
{
    /// <summary>Enough to see noise, and an eighth of what a calibration usually has: the check shall cost little beside it.</summary>
    private const int MostSamples = 16;

    private readonly Sample[] samples;
    private readonly IReadOnlyList<Tensor>[] expected;
    private readonly OutputPart[] parts;

    private FidelityProbe(Sample[] samples, Dataset unseen, IReadOnlyList<Tensor>[] expected, OutputPart[] parts)
    {
        Unseen = unseen;
        this.samples = samples;
        this.expected = expected;
        this.parts = parts;
    }

    /// <summary>The calibration samples that are not measured on: what is fitted to these can be judged here.</summary>
    internal Dataset Unseen { get; }

    /// <returns>Null when the model gives no floats to compare.</returns>
    /// <exception cref="InferenceException">The model cannot be run on the samples.</exception>
    internal static FidelityProbe? Create(Model model, Dataset calibration, Func<Value, IReadOnlyList<long>> shapeOf)
    {
        (Dataset drawn, Dataset unseen) = calibration.Part(Math.Min(MostSamples, (calibration.Count + 1) / 2));
        Sample[] samples = [.. drawn.Read()];
        Model seen = Seen(model.Clone());
        using ModelSession session = ModelSession.Open(seen);
        IReadOnlyList<Tensor>[] expected = [.. samples.Select(sample => Run(session, sample))];
        OutputPart[] parts =
        [
            .. seen.Graph.Outputs.SelectMany((output, index) => expected.Select(outputs => outputs[index]).FirstOrDefault(HasFloats) is { } given
                ? OutputPart.Of(output, index, given.Dimensions, value => model.Graph.Find(value.Name) is { } original ? shapeOf(original) : [])
                : []),
        ];
        return parts.Length == 0 ? null : new FidelityProbe(samples, unseen, expected, parts);
    }

    /// <exception cref="InferenceException">The form cannot be loaded or run.</exception>
    internal OutputNoise Measure(Model form)
    {
        OutputNoise noise = new(parts);
        using ModelSession session = ModelSession.Open(Seen(form));
        for (int i = 0; i < samples.Length; i++)
        {
            noise.Add(expected[i], Run(session, samples[i]));
        }

        return noise;
    }

    private static Tensor[] Run(ModelSession session, Sample sample) =>
        [.. session.Run(sample.Inputs).Select(output => IsHalf(output.ElementType) ? Tensor.Create([.. output.Dimensions], output.ToSingles()) : output)];

    private static bool IsHalf(ElementType type) => type is ElementType.Float16 or ElementType.BFloat16;

    private static bool HasFloats(Tensor tensor) => tensor.ElementType == ElementType.Float && !tensor.Dimensions.Contains(0);

    /// <summary>Makes the scores of classes the outputs in place of their probabilities.</summary>
    private static Model Seen(Model model)
    {
        Graph graph = model.Graph;
        foreach (Value output in graph.Outputs.ToArray())
        {
            // Behind the probabilities of a lifted model stands the cast to the type that they had.
            Node? last = output.Producer is { OpType: "Cast", Domain: "" } cast && IsHalf((ElementType)cast.GetInt("to", 0)) ? cast.Inputs[0]!.Producer : output.Producer;
            Value? scores = last is { OpType: "Softmax" or "LogSoftmax", Domain: "" } softmax && softmax.Graph == graph ? softmax.Inputs[0] : null;
            bool isOfClasses = output.Type?.Shape is { Count: >= 2 } shape && shape.Skip(2).All(size => size.Size == 1);
            if (isOfClasses && scores is { IsOutput: false, Constant: null, Producer: not null })
            {
                graph.RemoveOutput(output);
                graph.AddOutput(scores);
            }
        }

        graph.RemoveUnused();
        return model;
    }
}
