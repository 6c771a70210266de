using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// What quantization adds inside a model, on a few calibration samples: to each tensor when its numbers become codes, and to each layer's result by
/// all that was quantized up to it. The activations of one sample are held at a time.
/// </summary>
internal sealed class InnerNoise
{
    /// <summary>A tensor has thousands of numbers in each sample: a handful tells.</summary>
    internal const int MostSamples = 4;

    private readonly Dictionary<Value, Sums> tensors = [];
    private readonly Dictionary<Node, Sums> layers = [];

    /// <summary>Layers behind a selection of elements, as by Compress, that turned out another in the quantized model: their numbers have no counterparts.</summary>
    private readonly HashSet<Node> incomparable = [];

    private InnerNoise()
    {
    }

    /// <returns>Null where the runtime does not run a model that gives out its inner tensors.</returns>
    internal static InnerNoise? Measure(CalibratedModel model, QuantizationChoice choice, PassContext context)
    {
        InnerNoise noise = new();
        try
        {
            noise.Run(model, choice, context);
            return noise;
        }
        catch (InferenceException)
        {
            // The figures are for people; the quantized model itself is run and judged elsewhere.
            return null;
        }
    }

    /// <summary>Of a tensor's numbers as codes; null where it was not measured.</summary>
    internal RoundingNoise? Of(Value value) => tensors.GetValueOrDefault(value)?.Noise;

    /// <summary>Of a layer's result, with what it hands on to integers rounded to them; null where it was not measured or has another length.</summary>
    internal RoundingNoise? Of(Node layer) => incomparable.Contains(layer) ? null : layers.GetValueOrDefault(layer)?.Noise;

    private void Run(CalibratedModel model, QuantizationChoice choice, PassContext context)
    {
        Value[] rounded = [.. PlanRecord.Tensors(choice.Selection).Distinct()];
        Model form = model.Form(choice);
        (Node Layer, Value Exact, Value Found)[] compared =
        [
            .. model.Candidates.Order.Where(QuantizableOperators.IsLayer)
                .Select(layer => (layer, ResultOf(layer, choice.Selection), ResultIn(form.Graph, layer, choice.Selection)))
                .Where(entry => entry.Item3 is not null).Select(entry => (entry.layer, entry.Item2, entry.Item3!)),
        ];
        Value[] exact = [.. rounded.Where(value => value.Constant is null && value.Producer is not null).Concat(compared.Select(entry => entry.Exact)).Distinct()];
        Value[] fed = [.. model.Model.Graph.Inputs.Where(input => input.Initializer is null)];
        Value[] found = [.. compared.Select(entry => entry.Found).Distinct()];
        foreach (Value constant in rounded.Where(value => value.Constant is not null))
        {
            Add(constant, constant.Constant!.Span<float>(), choice.Scales[constant]);
        }

        using ModelSession exactSession = ObservedModel.Open(model.Model, exact);
        using ModelSession foundSession = ObservedModel.Open(form, found);
        foreach (Sample sample in context.Calibration!.Take(MostSamples).Read())
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            using SessionRun expected = exactSession.RunBorrowed(sample.Inputs);
            using SessionRun actual = foundSession.RunBorrowed(sample.Inputs);
            foreach (Value value in rounded.Where(value => value.Constant is null))
            {
                int input = Array.IndexOf(fed, value);
                Add(value, input < 0 ? expected.Span<float>(Array.IndexOf(exact, value)) : sample.Inputs[input].Span<float>(), choice.Scales[value]);
            }

            foreach ((Node layer, Value before, Value after) in compared)
            {
                (int from, int to) = (Array.IndexOf(exact, before), Array.IndexOf(found, after));
                if (expected.TypeOf(from) == ElementType.Float)
                {
                    Add(layer, expected.Span<float>(from), actual.Span<float>(to));
                }
            }
        }
    }

    private static Value ResultOf(Node layer, NodeSelection selection) =>
        selection.Contains(layer) && selection.GivesIntegers(layer) ? selection.ResultOf(layer) : layer.Output;

    /// <summary>The same in the quantized form; where integers are handed on, what these mean.</summary>
    private static Value? ResultIn(Graph form, Node layer, NodeSelection selection)
    {
        string product = IntegerInsertion.ProductName(layer);
        Value? output = form.Find(layer.Output.Name) is { Producer.OpType: "Conv" or "MatMul" or "Gemm" } found ? found : form.Nodes.FirstOrDefault(node => node.Name == product)?.Output;
        if (output is null || !selection.Contains(layer) || !selection.GivesIntegers(layer))
        {
            return output;
        }

        Node? quantize = QuantizationOf(output) ?? output.Uses.Select(use => QuantizationOf(use.Node.Output)).FirstOrDefault(node => node is not null);
        return quantize is null ? null : form.AddNode("DequantizeLinear", [quantize.Output, .. quantize.Inputs.Skip(1)]).Output;
    }

    private static Node? QuantizationOf(Value value) => value.Uses.Select(use => use.Node).FirstOrDefault(node => node is { OpType: "QuantizeLinear", Domain: "" });

    private void Add(Value value, ReadOnlySpan<float> numbers, QuantizationParameters parameters)
    {
        Sums sums = tensors.TryGetValue(value, out Sums? known) ? known : tensors[value] = new Sums();
        foreach (float number in numbers)
        {
            sums.Add(number, parameters.Rounded(number));
        }
    }

    private void Add(Node layer, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        if (expected.Length != actual.Length)
        {
            incomparable.Add(layer);
            return;
        }

        Sums sums = layers.TryGetValue(layer, out Sums? known) ? known : layers[layer] = new Sums();
        for (int i = 0; i < expected.Length; i++)
        {
            sums.Add(expected[i], actual[i]);
        }
    }

    private sealed class Sums
    {
        private long count;
        private double signal;
        private double noise;

        internal RoundingNoise Noise => new(count == 0 ? 0 : Math.Sqrt(noise / count), noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise));

        internal void Add(float expected, float actual)
        {
            double difference = (double)expected - actual;
            count++;
            signal += (double)expected * expected;
            noise += difference * difference;
        }
    }
}
