using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// Fits one layer after the other to what the float model gives there (<see cref="FittedLayer"/>), reading what the layers before it, already fitted, give
/// in integers. Layers must not be fitted at once unless none reads the other: each would make up for the same loss again.
/// </summary>
internal sealed class Reconstruction
{
    private const int MostSamples = 32;

    /// <summary>Samples whose activations are held at once.</summary>
    private const int MostSamplesInFlight = 4;

    /// <summary>Factoring the moments of more inputs than those of a 3×3 filter over 256 channels takes longer than it is worth.</summary>
    private const int MostInputs = 2304;

    private readonly CalibratedModel model;
    private readonly QuantizationChoice choice;
    private readonly PassContext context;
    private readonly Dictionary<string, FittedLayer> fitted = [];

    private Reconstruction(CalibratedModel model, QuantizationChoice choice, PassContext context)
    {
        this.model = model;
        this.choice = choice;
        this.context = context;
    }

    /// <summary>Makes a model round so from here on, where that brings the outputs of a choice nearer to the float model's on samples that were not fitted to.</summary>
    /// <returns>The choice with the noise that is left.</returns>
    /// <exception cref="InferenceException">A form of the model cannot be run.</exception>
    internal static MeasuredChoice Improve(CalibratedModel model, MeasuredChoice before, FidelityProbe probe, PassContext context)
    {
        if (before.Noise.Decibels >= MixedPrecisionSearch.Goal || probe.Unseen.Count == 0)
        {
            return before;
        }

        WeightRounding round = Run(model, before.Choice, context with { Calibration = probe.Unseen });
        OutputNoise after = probe.Measure(model.Form(before.Choice, round));
        if (after.Decibels <= before.Noise.Decibels)
        {
            return before;
        }

        model.Round = round;
        return before with { Noise = after };
    }

    /// <summary>How the layers of a choice are rounded. Layers that share their weights, or have too many inputs, are rounded to the nearest code.</summary>
    /// <exception cref="InferenceException">A form of the model cannot be run.</exception>
    internal static WeightRounding Run(CalibratedModel model, QuantizationChoice choice, PassContext context)
    {
        Reconstruction reconstruction = new(model, choice, context);
        foreach (Layer[] wave in reconstruction.Waves())
        {
            reconstruction.Fit(wave);
        }

        return reconstruction.Round;
    }

    private QuantizedWeight Round(Layer layer, int bits, float[]? smallestScales) =>
        fitted.GetValueOrDefault(WeightOf(layer).Name)?.For(layer, bits, smallestScales) ?? QuantizedWeight.Nearest(layer, bits, smallestScales);

    /// <summary>Layers of which none reads another, in the order of the graph.</summary>
    private IEnumerable<Layer[]> Waves()
    {
        Dictionary<Value, int> depths = [];
        List<(int Depth, Layer Layer)> layers = [];
        foreach (Node node in model.Candidates.Order)
        {
            int depth = node.Inputs.Select(input => input is null ? 0 : depths.GetValueOrDefault(input)).DefaultIfEmpty().Max();
            if (choice.Selection.Layers.TryGetValue(node, out Layer? layer) && WeightOf(layer).Uses.Count == 1 && LayerRows.InputsOf(layer) <= MostInputs)
            {
                layers.Add((depth++, layer));
            }

            foreach (Value output in node.Outputs)
            {
                depths[output] = depth;
            }
        }

        return layers.GroupBy(entry => entry.Depth, entry => entry.Layer).OrderBy(wave => wave.Key).Select(wave => wave.ToArray());
    }

    private void Fit(Layer[] wave)
    {
        Model form = model.Form(choice, Round);
        Value[] read = [.. wave.Select(layer => NodeIn(form.Graph, layer).Inputs[0]!)];
        Value[] distinct = [.. read.Distinct()];
        Dataset samples = context.Calibration!.Take(MostSamples);
        LayerObserver[] observers = [.. wave.Select(layer => new LayerObserver(layer.Canonical(), samples.Count))];
        using ModelSession quantized = Calibrator.Open(form, distinct);
        using ModelSession exact = Calibrator.Open(model.Model, [.. wave.Select(layer => layer.Node.Output)]);
        int first = 0;
        foreach (Sample[] window in samples.Read().Chunk(MostSamplesInFlight))
        {
            SessionRun?[] runs = new SessionRun?[2 * window.Length];
            try
            {
                Parallel.For(0, runs.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = context.CancellationToken }, i =>
                    runs[i] = (i % 2 == 0 ? quantized : exact).RunBorrowed(window[i / 2].Inputs));
                for (int i = 0; i < window.Length; i++)
                {
                    Observe(observers, runs[2 * i]!, [.. read.Select(value => Array.IndexOf(distinct, value))], runs[2 * i + 1]!, first + i);
                }
            }
            finally
            {
                Array.ForEach(runs, run => run?.Dispose());
            }

            first += window.Length;
        }

        for (int l = 0; l < wave.Length; l++)
        {
            if (FittedLayer.From(observers[l], IntegerInsertion.WeightBits(wave[l], context.Target), context.CancellationToken) is { } found)
            {
                fitted[WeightOf(wave[l]).Name] = found;
            }
        }
    }

    private void Observe(LayerObserver[] observers, SessionRun quantized, int[] inputs, SessionRun exact, int sample)
    {
        for (int l = 0; l < observers.Length; l++)
        {
            observers[l].Add(
                quantized.Span<float>(inputs[l]).ToArray(), quantized.ShapeOf(inputs[l]), exact.Span<float>(l).ToArray(), exact.ShapeOf(l), sample, context.CancellationToken);
        }
    }

    private static Value WeightOf(Layer layer) => layer.Node.Inputs[1]!;

    /// <summary>A layer's node in the quantized form, where a convolution of pooled channels has become a product.</summary>
    private static Node NodeIn(Graph form, Layer layer) =>
        layer.IsPooled ? form.Nodes.First(node => node.Name == IntegerInsertion.ProductName(layer.Node)) : form.Find(layer.Node.Output.Name)!.Producer!;
}
