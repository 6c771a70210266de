using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Smoothing;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// x·W → MatMulNBits(x, codes, scales, zero points), and the same for tables of embeddings: weights of 8, 4 or 2 bits, or signs, with activations
/// in float. It pays where weights are read for few rows of x, as in decoding: the memory they take is what such products wait for.
/// </summary>
/// <param name="format">The form of the codes. Layers with fewer inputs than a block get smaller blocks.</param>
/// <param name="algorithm">How codes are found.</param>
public sealed class WeightOnlyQuantization(BlockFormat format, WeightOnlyAlgorithm algorithm = WeightOnlyAlgorithm.Auto) : IModelPass
{
    public string Name => format.IsBinary ? "binary weight quantization" : $"weight-only int{format.Bits} quantization";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (Refusal(model, context) is { } reason)
        {
            return PassOutcome.Refused(reason);
        }

        PackableWeights found = new(model, format, context.Target);
        if (found.Readers.Count == 0)
        {
            QuantizationPlan none = WrittenQuantization.Read(model, found.ReasonOf);
            return PassOutcome.Refused($"No matrix product has weights to pack: {none.ReasonsForFloat}.", found.Refusals) with { Plan = none };
        }

        WeightQuantizer quantizer = new(format, algorithm, context);
        Dictionary<(Value, bool, float), BlockedWeight> weights;
        try
        {
            weights = quantizer.Quantize(model, found.Readers);
        }
        catch (CalibrationException exception)
        {
            return PassOutcome.Refused($"Calibration failed: {exception.Message}.", found.Refusals);
        }

        foreach ((ScalableInput input, double[] scales) in quantizer.Scaled)
        {
            input.Divide(scales);
        }

        Dictionary<(Value, bool, float), PackedValues> packed = [];
        foreach (PackedReader reader in found.Readers)
        {
            if (!packed.TryGetValue(reader.Key, out PackedValues? values))
            {
                values = PackedValues.Add(reader.Stored, weights[reader.Key]);
                packed.Add(reader.Key, values);
            }

            reader.Rewrite(values);
        }

        model.OpsetImports[TargetProfile.ContributedDomain] = 1;
        model.IrVersion = Math.Max(model.IrVersion, IrVersions.PlainInitializers);
        model.Graph.RemoveUnused();
        return PassOutcome.Applied($"{Count(found)} read {Describe()} ({quantizer.Summary}).", found.Refusals) with { Plan = WrittenQuantization.Read(model, found.ReasonOf) };
    }

    private static string Count(PackableWeights found)
    {
        int tables = found.Readers.Count(reader => reader is PackedEmbedding);
        string products = $"{found.Readers.Count - tables} matrix products";
        return tables == 0 ? products : $"{products} and {tables} embeddings";
    }

    private string Describe() => format.IsBinary
        ? $"signs with a scale for each {format.BlockSize} weights, carried in {format.Bits} bits each"
        : $"weights of {format.Bits} bits in blocks of {format.BlockSize}";

    private string? Refusal(Model model, PassContext context)
    {
        if (!context.Target.RunsContributedOperators)
        {
            return $"The target '{context.Target}' knows standard operators only, and packed weights need MatMulNBits, which is ONNX Runtime's own.";
        }

        if (!context.Target.PackedWeightBits.Contains(format.Bits))
        {
            return $"The target '{context.Target}' has {(context.Target.PackedWeightBits is [] ? "no kernels for packed weights" : $"kernels for packed weights of {string.Join(" and ", context.Target.PackedWeightBits)} bits, none for {format.Bits}")}.";
        }

        return algorithm == WeightOnlyAlgorithm.Gptq && context.Calibration is null
            ? "GPTQ needs calibration samples, and there are none."
            : QuantizationPreconditions.Refusal(model);
    }
}
