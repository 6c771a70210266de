using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training.Distilling;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Training.FakeQuantized;

/// <summary>
/// Trains a quantized model, from the integers that it has, with the rounding in it: weights, biases, and the scales of weights and activations (<see cref="FakeQuantization"/>). A float model teaches it, on samples that need
/// no labels; where they have some, these are mixed in. What is trained is stored in the graph as it was. Taken only where samples that were not learned from tell that the model has come nearer to
/// the teacher, in the loss and in the numbers of its outputs.
/// </summary>
/// <remarks>Esser et al., "Learned Step Size Quantization", ICLR 2020; the loss is that of <see cref="Distillation"/>.</remarks>
/// <param name="teacher">The model to be like, mostly the one from before it was quantized. It is not changed.</param>
/// <param name="data">Samples of real input.</param>
/// <param name="plan">How long and how. Weights are trained in units of their own magnitude, so that a rate of 0.001 moves each by about a thousandth.</param>
public sealed class QuantizationAwareTraining(Model teacher, Dataset data, TrainingPlan plan) : IModelPass
{
    /// <summary>Above this share of zeros a weight was pruned, and keeps them: rounding a normal distribution to 4 bits makes a quarter of it zero.</summary>
    private const double ShareOfPruned = 0.5;

    /// <summary>A scale moves all numbers that it is for at once, and so by a smaller share than each weight moves.</summary>
    private const float PaceOfScales = 1f / 8;

    /// <summary>Smaller gains may be luck of the samples that judge, which can be few, and what was there before is as good.</summary>
    private const double LeastGain = 0.1;

    public string Name => HasFixedScales ? "training of quantized weights" : "quantization-aware training";

    /// <summary>Whether scales stay as calibration found them, so that only weights and biases are trained.</summary>
    public bool HasFixedScales { get; init; }

    /// <summary>Whether a float output [N, C] is known to hold scores of classes.</summary>
    public bool IsClassifier { get; init; }

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (data.Count < DistillationRun.FewestToPart)
        {
            return PassOutcome.Refused($"{data.Count} samples are too few to learn from some of them and judge by others; {DistillationRun.FewestToPart} are needed");
        }

        if (FakeQuantization.Of(model) is not { } fake)
        {
            return PassOutcome.Refused("the model stores no integer weights behind DequantizeLinear that could be trained");
        }

        IReadOnlyList<Parameter> parameters = [.. ParametersOf(fake)];
        DistillationRun run = new(fake.Model, teacher, parameters, data, plan) { IsClassifier = IsClassifier, IsQuantized = true };
        TrainingOutcome outcome;
        try
        {
            outcome = run.Run(context.Training, context.CancellationToken);
        }
        catch (Exception fault) when (fault is GradientException or InferenceException)
        {
            return PassOutcome.Refused(fault.Message);
        }

        string[] gaps = [.. run.Gaps.Select(gap => gap.ToString())];
        if (!(outcome.After < (1 - LeastGain) * outcome.Before))
        {
            return PassOutcome.Refused(
                FormattableString.Invariant($"{outcome.Steps} steps brought held-out samples not much nearer to the teacher (from {outcome.Before:G3} to {outcome.After:G3}); training ended as {outcome.Ending}.") + GradientGap.Sentences(run.Gaps), gaps);
        }

        foreach (Parameter parameter in parameters)
        {
            parameter.StoreIn(fake.Model);
        }

        fake.Store(model);
        return PassOutcome.Applied(
            FormattableString.Invariant($"{outcome.Steps} steps on {data.Count} samples in {outcome.Duration.TotalSeconds:0} s: the distance of the integers from the teacher on held-out samples fell from {outcome.Before:G3} to {outcome.After:G3}; {outcome.Ending}.") + GradientGap.Sentences(run.Gaps), gaps);
    }

    private IEnumerable<Parameter> ParametersOf(FakeQuantization fake)
    {
        foreach (string name in fake.Weights)
        {
            Parameter weight = new(name, fake.Model.Graph.Find(name)!.Initializer!) { Decay = plan.WeightDecay };
            if (weight.Values.Count(value => value == 0) > ShareOfPruned * weight.Values.Length)
            {
                weight.Mask = Array.ConvertAll(weight.Values, value => value != 0);
            }

            yield return weight;
        }

        foreach (string name in fake.Biases)
        {
            yield return new Parameter(name, fake.Model.Graph.Find(name)!.Initializer!);
        }

        foreach (string name in fake.Floats)
        {
            Tensor start = fake.Model.Graph.Find(name)!.Initializer!;
            yield return new Parameter(name, start) { Pace = Middle(start) };
        }

        foreach (string name in HasFixedScales ? [] : fake.Scales)
        {
            yield return new Parameter(name, fake.Model.Graph.Find(name)!.Initializer!, isRelative: true) { Pace = PaceOfScales };
        }
    }

    /// <summary>The geometric mean of the magnitudes, which a few large channels hardly move.</summary>
    private static float Middle(Tensor start)
    {
        double[] logarithms = [.. start.ToSingles().Where(value => value != 0 && float.IsFinite(value)).Select(value => Math.Log(Math.Abs(value)))];
        return logarithms.Length > 0 ? (float)Math.Exp(logarithms.Average()) : 0;
    }
}
