using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Computes in 8-bit integers what has integer kernels, with ranges taken from calibration samples: weights signed and symmetric with one
/// scale for each output channel, activations with one scale for each tensor, biases in the accumulator's unit. Inputs and outputs stay float32.
/// The model should be simplified before: a BatchNormalization beside its convolution keeps both in float.
/// </summary>
/// <remarks>Arithmetic: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018.</remarks>
/// <param name="ranges">How the range of each activation is found.</param>
public sealed class StaticQuantization(RangeMethod ranges = RangeMethod.Auto) : IModelPass
{
    public string Name => "static int8 quantization";

    /// <summary>How the range of each activation is found.</summary>
    public RangeMethod Ranges { get; } = ranges;

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (Refusal(model, context) is { } reason)
        {
            return PassOutcome.Refused(reason);
        }

        try
        {
            return Quantize(model, context);
        }
        catch (CalibrationException exception)
        {
            return PassOutcome.Refused($"Calibration failed: {exception.Message}.");
        }
    }

    private static string? Refusal(Model model, PassContext context) =>
        context.Target.Activations is null ? $"The target '{context.Target}' has no kernels for quantized activations."
        : QuantizationPreconditions.Refusal(model) is { } precondition ? precondition
        : context.Calibration is not { Count: > 0 } ? "Static quantization needs calibration samples, and there are none."
        : OpsetUpgrade.Refusal(model, IntegerInsertion.FirstOpset) is { } old ? $"The model cannot be lifted to operator set {IntegerInsertion.FirstOpset}, which scales for each channel need: {old}."
        : null;

    private PassOutcome Quantize(Model model, PassContext context)
    {
        QuantizationCandidates candidates = new(model.Graph, context.Target, Shapes(model, context.Calibration!));
        (NodeSelection selection, ScaleAssignment scales, Dictionary<Value, double[]> means) = Calibrate(model, candidates, context);
        int layers = candidates.Order.Count(QuantizableOperators.IsLayer);
        int chosen = selection.Layers.Count;
        if (chosen == 0)
        {
            return PassOutcome.Refused($"None of the {layers} Conv, MatMul and Gemm gains from integers.", candidates.Refusals);
        }

        OpsetUpgrade.Apply(model, IntegerInsertion.FirstOpset);
        int others = selection.Nodes.Count() - chosen;
        IntegerInsertion.Apply(model.Graph, selection, scales, means, context.Target);
        return PassOutcome.Applied(
            $"{chosen} of {layers} Conv, MatMul and Gemm and {others} operators between them compute in integers ({context.Calibration!.Count} calibration samples).",
            candidates.Refusals);
    }

    /// <summary>Selects, calibrates, and takes out what the ranges do not allow, until every range is known and fits.</summary>
    private (NodeSelection, ScaleAssignment, Dictionary<Value, double[]> InputMeans) Calibrate(Model model, QuantizationCandidates candidates, PassContext context)
    {
        Dictionary<Value, IRangeObserver> observers = [];
        HashSet<Node> excluded = [];
        while (true)
        {
            NodeSelection selection = candidates.IsForCpu ? FastestSelection.Find(candidates, excluded) : new NodeSelection(candidates, excluded);
            IReadOnlyList<Value> ranged = ScaleAssignment.ToObserve(selection, context.Target);
            Dictionary<Value, int> averaged = ConvolutionInputs(candidates, selection);
            Value[] missing = [.. ranged.Union(averaged.Keys).Where(value => !observers.ContainsKey(value))];
            if (missing.Length > 0)
            {
                Dictionary<Value, IRangeObserver> added = Calibrator.Run(
                    model, missing, context.Calibration!, CreateObserver, context.Progress, context.CancellationToken);
                foreach ((Value value, IRangeObserver observer) in added)
                {
                    observers.Add(value, observer);
                }
            }

            ScaleAssignment scales = new(selection, ranged.ToDictionary(value => value, value => observers[value].Range), context.Target);

            IRangeObserver CreateObserver(Value value) =>
                averaged.TryGetValue(value, out int channels) ? new ChannelMeanObserver(Ranges.Create(context.Target), channels) : Ranges.Create(context.Target);
            if (scales.TooWideConcat() is not { } concat)
            {
                return (selection, scales, observers
                    .Select(entry => (entry.Key, (entry.Value as ChannelMeanObserver)?.Means))
                    .Where(entry => entry.Means is not null)
                    .ToDictionary(entry => entry.Key, entry => entry.Means!));
            }

            excluded.Add(concat);
            foreach (Node reader in selection.LayersReading(concat.Output))
            {
                excluded.Add(reader);
                candidates.Refuse(reader, $"it reads {LinearLayer.Describe(concat)}, whose inputs differ too much in range for one scale");
            }
        }
    }

    /// <summary>What chosen convolutions read, with its number of channels. Samples have a batch of one, so that channels lie one behind the other.</summary>
    private static Dictionary<Value, int> ConvolutionInputs(QuantizationCandidates candidates, NodeSelection selection)
    {
        Dictionary<Value, int> inputs = [];
        foreach (Layer layer in selection.Layers.Values.Where(layer => !layer.IsProduct))
        {
            Value input = layer.Node.Inputs[0]!;
            if (candidates.ShapeOf(input) is [1, var channels, ..])
            {
                inputs[input] = (int)channels;
            }
        }

        return inputs;
    }

    private static IReadOnlyDictionary<Value, long[]> Shapes(Model model, Dataset calibration)
    {
        try
        {
            return ShapeProbe.Run(model, model.Graph.Outputs[0], calibration.Read().First().Inputs);
        }
        catch (InferenceException exception)
        {
            throw new CalibrationException($"a calibration sample cannot be run: {exception.Message}");
        }
    }
}
