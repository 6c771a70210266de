using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;
using ModelBuildTasks.Optimization.Quantization.Rounding;
using ModelBuildTasks.Optimization.Quantization.Subgraphs;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Computes in 8-bit integers what has integer kernels, with ranges taken from calibration samples: weights signed and symmetric with one
/// scale for each output channel, activations with one scale for each tensor, biases in the accumulator's unit. Inputs and outputs stay float32.
/// The model should be simplified before: a BatchNormalization beside its convolution keeps both in float.
/// </summary>
/// <remarks>Arithmetic: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018.</remarks>
/// <param name="Ranges">How the range of each activation is found.</param>
public sealed record StaticQuantization(RangeMethod Ranges = RangeMethod.Auto) : IModelPass
{
    public string Name => WeightBits == 4 ? "static int8 quantization with int4 weights" : "static int8 quantization";

    /// <summary>Bits of the weights: 4, or null for the 7 or 8 that the target wants. Fewer than those compute in the same kernels, and as fast.</summary>
    public int? WeightBits { get; init; }

    /// <summary>Whether nothing is returned to float for the sake of fidelity, unless an accuracy is asked for: for what is trained behind, which repairs some of what mixed precision avoids, and is faster.</summary>
    public bool StaysInIntegers { get; init; }

    /// <summary>Whether which way weights are rounded is learned, block by block, from the calibration samples. It takes seconds to minutes.</summary>
    public bool LearnsRounding { get; init; }

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (WeightBits is { } bits)
        {
            context = context with { Target = context.Target with { WeightBits = Math.Min(bits, context.Target.WeightBits) } };
        }

        if (Refusal(model, context) is { } reason)
        {
            return PassOutcome.Refused(reason);
        }

        try
        {
            return Quantize(model, context);
        }
        catch (InferenceException exception)
        {
            return PassOutcome.Refused($"ONNX Runtime does not run the quantized model: {exception.Message}");
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
        QuantizedGraph[] nested = [.. QuantizedGraph.In(model, context, Decide)];
        (CalibratedModel calibrated, QuantizationChoice choice, QuantizationPlan plan) = Decide(model, context);
        plan = plan with
        {
            Layers = [.. plan.Layers, .. nested.SelectMany(graph => graph.Plan.Layers)],
            Tensors = [.. plan.Tensors, .. nested.SelectMany(graph => graph.Plan.Tensors)],
            Regions = [.. plan.Regions, .. nested.SelectMany(graph => graph.Plan.Regions)],
            FloatNodes = choice.InFloat.Names,
        };
        IReadOnlyList<string> refusals =
        [
            .. choice.InFloat.Explain(calibrated.Candidates),
            .. nested.SelectMany(graph => graph.Explain()),
            .. new[] { calibrated }.Concat(nested.Select(graph => graph.Model).OfType<CalibratedModel>()).SelectMany(part => part.Learned?.Refusals ?? []),
            .. PinnedChoice.Unknown(calibrated.Candidates, context.Pinned),
        ];
        int layers = model.Graph.WithSubgraphs().Sum(graph => graph.Nodes.Count(QuantizableOperators.IsLayer));
        int chosen = plan.Layers.Count(layer => layer.IsInteger);
        if (chosen == 0)
        {
            return PassOutcome.Refused($"None of the {layers} Conv, MatMul and Gemm computes in integers: {plan.ReasonsForFloat}.", refusals) with { Plan = plan };
        }

        FidelityProbe? probe = nested.Any(graph => graph.HasIntegers) ? FidelityProbe.Create(model, context.Calibration!, calibrated.Candidates.ShapeOf) : null;
        // Branches first: they still read what the main graph computed when their samples were taken.
        foreach (QuantizedGraph graph in nested.Where(graph => graph.HasIntegers))
        {
            graph.Apply();
        }

        calibrated.Apply(choice);
        if (probe?.Measure(model.Clone()) is { } noise)
        {
            plan = PlanRecord.WithOutputs(plan, noise);
        }

        int others = choice.Selection.Nodes.Count() + nested.Sum(graph => graph.Choice?.Selection.Nodes.Count() ?? 0) - chosen;
        string fidelity = plan.SignalToNoise is { } ratio ? FormattableString.Invariant($", {ratio:0.0} dB of signal to noise") : ", outputs not compared, as none holds floating point";
        string learned = calibrated.Learned?.Explanation is { } clause ? $"; {clause}" : "";
        return PassOutcome.Applied(
            $"{chosen} of {layers} Conv, MatMul and Gemm and {others} operators between them compute in integers ({context.Calibration!.Count} calibration samples{fidelity}{learned}).",
            refusals) with
        {
            Plan = plan,
        };
    }

    /// <summary>Decides for the main graph of a model, which it does not edit.</summary>
    private (CalibratedModel Model, QuantizationChoice Choice, QuantizationPlan Plan) Decide(Model model, PassContext context)
    {
        CalibratedModel calibrated = new(model, context, Ranges, QuantizedWeight.Nearest);
        FloatNodes inFloat = new();
        foreach (Node layer in calibrated.Candidates.Layers.Keys.Where(layer => context.SlowerInIntegers.Contains(LinearLayer.Describe(layer))))
        {
            inFloat.Add(layer, "integers in this part were measured slower on the machine that built it");
        }

        QuantizationChoice choice = calibrated.Fastest(inFloat);
        OutputNoise? noise = null;
        Dictionary<Node, double> sensitivities = [];
        FidelityProbe? probe = choice.Selection.Layers.Count > 0 ? FidelityProbe.Create(model, context.Calibration!, calibrated.Candidates.ShapeOf) : null;
        if (probe is not null)
        {
            MeasuredChoice best = MeasuredChoice.Of(calibrated, choice, probe);
            if (best.Noise.Decibels < MixedPrecisionSearch.Goal || context.IsJudged || LearnsRounding)
            {
                best = Reconstruction.Improve(calibrated, best, probe, context);
                if (LearnsRounding)
                {
                    (best, calibrated.Learned) = LearnedRounding.Improve(calibrated, best, probe, context);
                }

                best = context.Pinned is null && !(StaysInIntegers && context.JudgeAccuracy is null) ? MixedPrecisionSearch.Improve(calibrated, best, probe, context, sensitivities) : best;
            }

            (choice, noise) = (best.Choice, best.Noise);
        }

        if (context.Pinned is { } pinned && PinnedChoice.Of(calibrated, choice, pinned) is var again && again != choice)
        {
            choice = again;
            noise = choice.Selection.Layers.Count > 0 ? probe?.Measure(calibrated.Form(choice)) : null;
        }

        InnerNoise? inner = choice.Selection.Layers.Count > 0 ? InnerNoise.Measure(calibrated, choice, context) : null;
        return (calibrated, choice, PlanRecord.Of(calibrated, choice, PlanRecord.MethodOf(Ranges), noise, inner, sensitivities));
    }
}
