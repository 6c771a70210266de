using System.Diagnostics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;
using ModelBuildTasks.Optimization.Training.Distilling;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// Dynamic network surgery (Guo, Yao, Chen, "Dynamic Network Surgery for Efficient DNNs", 2016) with its training loop: weights are masked and spliced back (<see cref="SurgeryMasks"/>) while those that are left learn to
/// answer as the model did before. Gradients reach what is masked, too, so that it can grow again. It begins with what <see cref="Surgery"/> makes without training, and ends with that, its masks unmoved while the rest is trained, where moving them came to nothing better.
/// </summary>
/// <param name="data">Samples of real input to learn from; they need no labels.</param>
/// <param name="plan">How long and how.</param>
/// <param name="sparsity">Share of weights that are zero afterwards, 0 to 1.</param>
/// <param name="scope">What it is a share of.</param>
/// <param name="excluded">Layers whose weights are not masked, and are no part of the share. They learn with the others.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="sparsity"/> is not in 0..1.</exception>
public sealed class DynamicSurgery(Dataset data, TrainingPlan plan, double sparsity, PruningScope scope = PruningScope.Global, ExcludedLayers? excluded = null) : IModelPass
{
    private readonly double sparsity = sparsity is >= 0 and <= 1 ? sparsity : throw new ArgumentOutOfRangeException(nameof(sparsity), sparsity, "A sparsity is a share, 0 to 1.");

    public string Name => "dynamic network surgery";

    /// <inheritdoc cref="Distillation.IsClassifier"/>
    public bool IsClassifier { get; init; }

    /// <summary>What is learned from; null for the model itself, as it was before.</summary>
    public Model? Teacher { get; init; }

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (sparsity == 0)
        {
            return PassOutcome.Refused("A sparsity of 0 removes nothing.");
        }

        List<string> skipped = [];
        Model student = model.Clone();
        TrainableWeights.Hoist(student);
        List<PrunableWeights> layers = PrunableWeights.Find(student, excluded ?? ExcludedLayers.None, skipped);
        if (layers.Count == 0)
        {
            return PassOutcome.Refused("The model has no layer whose weights could be pruned.", skipped);
        }

        if (layers.Find(layer => !Array.TrueForAll(layer.Elements, float.IsFinite)) is { } broken)
        {
            return PassOutcome.Refused($"'{broken.Value.Name}' holds weights that are not finite.", skipped);
        }

        // What needs no training comes first: it knows better than magnitudes where to begin. The time that it takes is training's.
        Stopwatch watch = Stopwatch.StartNew();
        Model begun = student.Clone();
        PassContext fitting = DistillationRun.Fitting(context, data, plan);
        PassOutcome untrained = new Surgery(sparsity, scope, excluded).Apply(begun, fitting);
        student = untrained.Changed ? begun : student;
        TrainableWeights.Hoist(student);
        if (Trained(student, Teacher ?? model, layers, Rest(watch), untrained.Changed, context, skipped, out string reason) is not { } outcome)
        {
            outcome = WithoutSurgery(student, Teacher ?? model, untrained, reason, Rest(watch), context);
            if (outcome is { Changed: true, Untrained: not null } && !ReferenceEquals(fitting, context))
            {
                // Nothing is judged by what was held out any more: all samples serve.
                student = model.Clone();
                outcome = WithoutTraining(new Surgery(sparsity, scope, excluded).Apply(student, context with { Calibration = data }), reason);
            }
        }

        if (outcome.Changed)
        {
            model.Restore(student.TakeSnapshot());
        }

        return outcome;
    }

    /// <summary>The plan for the time that is left.</summary>
    private TrainingPlan Rest(Stopwatch watch) => plan.Limit is { } limit ? plan with { Limit = TimeSpan.FromTicks(Math.Max(1, (limit - watch.Elapsed).Ticks)) } : plan;

    /// <summary>What was pruned without training, whose masks then stay while what is left of it is trained.</summary>
    private PassOutcome WithoutSurgery(Model student, Model teacher, PassOutcome untrained, string reason, TrainingPlan rest, PassContext context)
    {
        PassOutcome trained = untrained.Changed ? new Distillation(teacher, data, rest) { IsClassifier = IsClassifier }.Apply(student, context) : PassOutcome.Refused(reason);
        return trained.Changed
            ? untrained with { Explanation = $"{untrained.Explanation} No weight was spliced back: {reason} With these masks, {trained.Explanation}" }
            : WithoutTraining(untrained, reason);
    }

    private static PassOutcome WithoutTraining(PassOutcome pruned, string reason) => pruned with { Explanation = $"Nothing was trained: {reason} {pruned.Explanation}", Untrained = reason };

    private PassOutcome? Trained(Model student, Model teacher, List<PrunableWeights> layers, TrainingPlan rest, bool isPruned, PassContext context, List<string> skipped, out string reason)
    {
        if (data.Count == 0)
        {
            reason = "There is no sample to learn from.";
            return null;
        }

        IReadOnlyList<Parameter> parameters = TrainingProblem.ParametersOf(student, plan.WeightDecay);
        Dictionary<string, Parameter> byName = parameters.ToDictionary(parameter => parameter.Name);
        if (layers.Find(layer => !byName.ContainsKey(layer.Value.Name)) is { } fixedLayer)
        {
            reason = $"'{fixedLayer.Value.Name}' is no weight that training can move.";
            return null;
        }

        SurgeryMasks masks = new([.. layers.Select(layer => (byName[layer.Value.Name], layer.Elements))], sparsity, scope, plan.Seed);
        DistillationRun run = new(student, teacher, parameters, data, rest)
        {
            IsClassifier = IsClassifier,
            Required = [.. layers.Select(layer => layer.Value.Name)],
            Settle = masks.Settle,
            ResumeSettled = masks.ResumeSettled,
            Mixes = true,
        };
        TrainingOutcome outcome;
        try
        {
            outcome = run.Run(context.Training, context.CancellationToken);
        }
        catch (Exception fault) when (fault is GradientException or InferenceException)
        {
            reason = fault.Message;
            return null;
        }

        if (!double.IsFinite(outcome.After))
        {
            reason = $"It ended after {outcome.Steps} steps, before the masks were settled: {outcome.Ending}.";
            return null;
        }

        if (isPruned && !outcome.IsBetter)
        {
            reason = FormattableString.Invariant($"{outcome.Steps} steps came no nearer to the model before than pruning without training does (loss {outcome.After:G3}, without {outcome.Before:G3} on held-out samples).");
            return null;
        }

        foreach (Parameter parameter in parameters)
        {
            parameter.StoreIn(student);
        }

        reason = "";
        string zeros = PrunableWeights.Describe([.. layers.Select(layer => (layer, byName[layer.Value.Name].Seen.Count(weight => weight == 0)))]);
        return PassOutcome.Applied(
            FormattableString.Invariant($"{zeros} Weights were spliced back {masks.Spliced} times in {outcome.Steps} steps on {data.Count} samples, {outcome.Duration.TotalSeconds:0} s; the distance from the model before is {outcome.After:G3} on held-out samples; {outcome.Ending}.") + GradientGap.Sentences(run.Gaps),
            [.. skipped, .. run.Gaps.Select(gap => gap.ToString())]);
    }
}
