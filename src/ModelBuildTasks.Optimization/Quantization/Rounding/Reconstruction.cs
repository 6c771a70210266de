using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// Rounds the weights of every layer so that its result errs least on what it reads (<see cref="FittedLayer"/>). Each layer is fitted by itself to the float
/// model's activations: one run over a few samples serves all layers, and any choice among them. Fitting one layer after the other, each to what the integers
/// before it give, was measured too: it brings a decibel, but takes a run for every layer.
/// </summary>
internal static class Reconstruction
{
    private const int MostSamples = 32;

    /// <summary>Bytes of moments that are held at once, or those of the largest layer: more layers take another run.</summary>
    private const long MostStatistics = 64 << 20;

    /// <summary>Factoring the moments of more inputs than those of a 3×3 filter over 256 channels takes longer than it is worth.</summary>
    private const int MostInputs = 2304;

    /// <summary>Makes a model round so from here on, where that brings the outputs of a choice nearer to the float model's on samples that were not fitted to.</summary>
    /// <returns>The choice with the noise that is left.</returns>
    /// <exception cref="InferenceException">A form of the model cannot be run.</exception>
    /// <exception cref="CalibrationException">A sample cannot be run.</exception>
    internal static MeasuredChoice Improve(CalibratedModel model, MeasuredChoice before, FidelityProbe probe, PassContext context)
    {
        if (probe.Unseen.Count == 0)
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
    /// <param name="mostStatistics">Bytes of moments that are held at once.</param>
    /// <exception cref="CalibrationException">A sample cannot be run.</exception>
    internal static WeightRounding Run(CalibratedModel model, QuantizationChoice choice, PassContext context, long mostStatistics = MostStatistics)
    {
        Dictionary<string, FittedLayer> fitted = [];
        foreach (Layer[] layers in Batches(choice.Selection.Layers.Values.Where(layer => WeightOf(layer).Uses.Count == 1 && layer.Inputs <= MostInputs), mostStatistics))
        {
            LayerObserver[] observers = Observe(model, choice, layers, context);
            FittedLayer?[] found = new FittedLayer?[layers.Length];
            Parallel.For(0, layers.Length, OptionsOf(context), l =>
                found[l] = FittedLayer.From(observers[l], IntegerInsertion.WeightBits(layers[l], context.Target), context.CancellationToken));
            foreach ((Layer layer, FittedLayer? fit) in layers.Zip(found).Where(pair => pair.Second is not null))
            {
                fitted.Add(WeightOf(layer).Name, fit!);
            }
        }

        return (layer, bits, smallestScales) =>
            fitted.GetValueOrDefault(WeightOf(layer).Name)?.For(layer, bits, smallestScales) ?? QuantizedWeight.Nearest(layer, bits, smallestScales);
    }

    private static LayerObserver[] Observe(CalibratedModel model, QuantizationChoice choice, Layer[] layers, PassContext context)
    {
        Dataset samples = context.Calibration!.Take(MostSamples);
        LayerObserver[] observers = [.. layers.Select(layer => new LayerObserver(layer.Canonical(), choice.Scales[layer.Node.Inputs[0]!], samples.Count))];
        int number = 0;
        OrderedActivations.Run(
            model.Model,
            [.. layers.Select(layer => layer.Node.Inputs[0]!)],
            samples,
            activations =>
            {
                Parallel.For(0, layers.Length, OptionsOf(context), l =>
                {
                    Value read = layers[l].Node.Inputs[0]!;
                    observers[l].Add(activations[read], activations.ShapeOf(read), number, context.CancellationToken);
                });
                number++;
            },
            context.CancellationToken);
        return observers;
    }

    /// <summary>Layers one after the other, as many at once as the memory for their moments allows.</summary>
    private static IEnumerable<Layer[]> Batches(IEnumerable<Layer> layers, long mostStatistics)
    {
        List<Layer> batch = [];
        long bytes = 0;
        foreach (Layer layer in layers)
        {
            long needed = LayerMoments.BytesOf(layer.Inputs) * layer.Node.GetInt("group", 1);
            if (batch.Count > 0 && bytes + needed > mostStatistics)
            {
                yield return [.. batch];
                batch.Clear();
                bytes = 0;
            }

            batch.Add(layer);
            bytes += needed;
        }

        if (batch.Count > 0)
        {
            yield return [.. batch];
        }
    }

    private static ParallelOptions OptionsOf(PassContext context) =>
        new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = context.CancellationToken };

    private static Value WeightOf(Layer layer) => layer.Node.Inputs[1]!;
}
