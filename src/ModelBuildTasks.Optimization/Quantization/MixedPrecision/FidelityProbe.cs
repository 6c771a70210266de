using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>
/// Measures forms of a model in fewer bits against its float form on a few calibration samples. Scores that a last Softmax makes probabilities are compared before it:
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
    private readonly HashSet<string> probabilities;

    private FidelityProbe(Sample[] samples, Dataset unseen, IReadOnlyList<Tensor>[] expected, OutputPart[] parts, HashSet<string> probabilities)
    {
        Unseen = unseen;
        this.probabilities = probabilities;
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
        HashSet<string> probabilities = [.. Probabilities(model.Graph)];
        Model seen = Seen(model.Clone(), probabilities);
        using ModelSession session = ModelSession.Open(seen);
        IReadOnlyList<Tensor>[] expected = [.. samples.Select(sample => Run(session, sample))];
        OutputPart[] parts =
        [
            .. seen.Graph.Outputs.SelectMany((output, index) => expected.Select(outputs => outputs[index]).FirstOrDefault(HasFloats) is { } given
                ? OutputPart.Of(output, index, given.Dimensions, value => model.Graph.Find(value.Name) is { } original ? shapeOf(original) : [])
                : []),
        ];
        return parts.Length == 0 ? null : new FidelityProbe(samples, unseen, expected, parts, probabilities);
    }

    /// <param name="form">Another form of the model, with the same outputs. Its graph is cut to what is compared.</param>
    /// <exception cref="InferenceException">The form cannot be loaded or run.</exception>
    internal OutputNoise Measure(Model form)
    {
        OutputNoise noise = new(parts);
        using ModelSession session = ModelSession.Open(Seen(form, probabilities));
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

    /// <summary>The outputs that are probabilities of classes, and that scores can be seen for; forms are cut at the same ones, whatever casts stand there.</summary>
    private static IEnumerable<string> Probabilities(Graph graph) => graph.Outputs
        .Where(output => output.Type?.Shape is { Count: >= 2 } shape && shape.Skip(2).All(size => size.Size == 1))
        .Where(output => ScoresOf(output) is { IsOutput: false, Constant: null, Producer: not null } scores && scores.Graph == graph)
        .DistinctBy(ScoresOf)
        .Select(output => output.Name);

    /// <summary>What a last Softmax makes the output of. Behind the probabilities of a model in 16-bit floating point, or lifted from it, stand casts to the type that they had.</summary>
    private static Value? ScoresOf(Value output)
    {
        Node? last = output.Producer;
        while (last is { OpType: "Cast", Domain: "" } && (IsHalf(CastTo(last)) || CastTo(last) == ElementType.Float))
        {
            last = last.Inputs[0]!.Producer;
        }

        return last is { OpType: "Softmax" or "LogSoftmax", Domain: "" } ? last.Inputs[0] : null;
    }

    private static ElementType CastTo(Node cast) => (ElementType)cast.GetInt("to", 0);

    /// <summary>Makes the scores of classes the outputs in place of their probabilities.</summary>
    private static Model Seen(Model model, HashSet<string> probabilities)
    {
        Graph graph = model.Graph;
        foreach (Value output in graph.Outputs.Where(output => probabilities.Contains(output.Name)).ToArray())
        {
            Value scores = ScoresOf(output)!;
            graph.RemoveOutput(output);
            graph.AddOutput(scores);
        }

        graph.RemoveUnused();
        return model;
    }
}
