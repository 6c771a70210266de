using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Refitting;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// Learns which way each weight is rounded (AdaRound), block by block (BRECQ): each block is made to give what it gives in the float model, from what reaches it in the quantized model with the blocks before it rounded as they were
/// learned. A block that errs no less on samples that were withheld keeps its rounding.
/// </summary>
internal static class LearnedRounding
{
    /// <summary>Weights of one block: each takes some 40 bytes while it learns.</summary>
    private const long MostWeights = 4 << 20;

    /// <summary>Makes a model round so from here on, where that brings the outputs of a choice nearer to the float model's on samples that nothing was learned from.</summary>
    /// <returns>The choice with the noise that is left.</returns>
    /// <exception cref="InferenceException">A form of the model cannot be run.</exception>
    internal static (MeasuredChoice Choice, LearnedBlocks Blocks) Improve(CalibratedModel model, MeasuredChoice before, FidelityProbe probe, PassContext context)
    {
        LearnedBlocks learned = Run(model, before.Choice, context with { Calibration = probe.Unseen });
        if (learned.Count == 0)
        {
            return (before, learned);
        }

        OutputNoise after = probe.Measure(model.Form(before.Choice, learned.Round));
        if (after.Decibels <= before.Noise.Decibels)
        {
            return (before, learned.GivenUp(FormattableString.Invariant($"the outputs have {after.SignalToNoise:0.0} dB of signal to noise with it and {before.Noise.SignalToNoise:0.0} without")));
        }

        model.Round = learned.Round;
        return (before with { Noise = after }, learned);
    }

    /// <summary>Learns the rounding of a choice's layers. Layers that share their weights keep theirs.</summary>
    /// <param name="context">Its calibration samples are learned from.</param>
    internal static LearnedBlocks Run(CalibratedModel model, QuantizationChoice choice, PassContext context)
    {
        LearnedBlocks learned = new(model.Round);
        IReadOnlyList<RoundingBlock> blocks = RoundingBlock.Find(model.Candidates, choice.Selection);
        Dataset samples = HeldSamples.Of(context.Calibration!.Take(BlockSamples.MostSamples));
        for (int i = 0; i < blocks.Count; i++)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            try
            {
                LearnBlock(model, choice, blocks[i], samples, learned, context, seed: i);
            }
            catch (Exception reason) when (reason is GradientException or InferenceException or CalibrationException)
            {
                learned.Refuse(blocks[i], reason.Message.TrimEnd('.'));
            }

            context.Progress?.Report((i + 1) / (double)blocks.Count);
        }

        return learned;
    }

    private static void LearnBlock(CalibratedModel model, QuantizationChoice choice, RoundingBlock block, Dataset samples, LearnedBlocks learned, PassContext context, int seed)
    {
        CancellationToken cancellation = context.CancellationToken;
        Dictionary<Layer, StoredLayer> stored = choice.Selection.Layers.Values.ToDictionary(layer => layer, layer => StoredLayer.Of(
            layer, choice.Scales[layer.Node.Inputs[0]!].Scale, model.MeansOf(layer.Node.Inputs[0]!), context.Target, learned.Round));
        Layer[] layers = [.. block.Layers.Where(layer => !layer.IsTied)];
        if (layers.Length == 0 || layers.Sum(layer => layer.Weight.Length) > MostWeights)
        {
            learned.Refuse(block, layers.Length == 0 ? "another operator reads its weights" : $"it has more than {MostWeights} weights");
            return;
        }

        block = block with { Layers = layers };
        SimulatedIntegers simulated = new(model, choice, stored);
        Value read = simulated.ReadBy(block);
        BlockSamples held = BlockSamples.Gather(model.Model, simulated.Model, block, read, samples, cancellation);
        RoundingEffort effort = EffortFor(block, model.Candidates);
        using BlockGraph graph = BlockGraph.Build(simulated, block, read, held, effort.BatchOfShard);
        SoftRounding[] soft = [.. layers.Select(layer => new SoftRounding(layer.Canonical().Weight.Span<float>(), stored[layer].Weight, QuantizedWeight.LargestCode(IntegerInsertion.WeightBits(layer, context.Target))))];
        BlockLearning learning = new(graph, held, effort, soft, seed);
        double before = learning.WithheldError(cancellation);
        if (before > 0)
        {
            learning.Learn(cancellation);
        }

        if (!(learning.Error < before))
        {
            learned.Refuse(block, before == 0 ? "it errs by nothing" : FormattableString.Invariant(
                $"it would err by {learning.Error / held.Power:0.00e+0} of its signal on samples that were withheld, and errs by {before / held.Power:0.00e+0} as it is"));
            return;
        }

        learned.Keep(learning.Error / before);
        int biased = 0;
        for (int i = 0; i < layers.Length; i++)
        {
            learned.Add(layers[i], new FittedLayer(
                IntegerInsertion.WeightBits(layers[i], context.Target),
                FittedLayer.OutputMajor(learning.Codes[i], stored[layers[i]].Weight.Axis, layers[i].OutputChannels),
                stored[layers[i]].Weight.Scales,
                layers[i].Bias is null ? null : learning.Biases[biased++]));
        }
    }

    private static RoundingEffort EffortFor(RoundingBlock block, QuantizationCandidates candidates) => RoundingEffort.For(
        block.Layers.Sum(layer => (double)candidates.ElementsOf(layer.Node.Output) * layer.Inputs),
        block.Layers.Min(layer => candidates.ElementsOf(layer.Node.Output) / layer.OutputChannels));
}
