using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Distilling;

/// <summary>
/// Trains a model that lost accuracy to answer as its teacher does (Hinton, Vinyals, Dean 2015), on samples that need no labels. What was pruned to zero stays zero. Taken only where samples that were not learned from tell
/// that the model has come nearer to the teacher.
/// </summary>
/// <param name="teacher">The model to be like, mostly the one from before it was pruned. It is not changed.</param>
/// <param name="data">Samples of real input.</param>
/// <param name="plan">How long and how.</param>
public sealed class Distillation(Model teacher, Dataset data, TrainingPlan plan) : IModelPass
{
    public string Name => "distillation";

    /// <summary>Whether a float output [N, C] is known to hold scores of classes.</summary>
    public bool IsClassifier { get; init; }

    /// <summary>
    /// The samples that a training by default learns from. What a model that is to be trained was fitted to before, by least squares, should be no others: training is judged by those that it holds out, and a model that
    /// was fitted to them seems better there than it is.
    /// </summary>
    public static Dataset Learned(Dataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return DistillationRun.Part(data, new TrainingPlan()).Learned;
    }

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (data.Count == 0)
        {
            return PassOutcome.Refused("there is no sample to learn from");
        }

        Model student = model.Clone();
        TrainableWeights.Hoist(student);
        IReadOnlyList<Parameter> parameters = TrainingProblem.ParametersOf(student, plan.WeightDecay);
        if (parameters.Count == 0)
        {
            return PassOutcome.Refused("no weight can be trained");
        }

        DistillationRun run = new(student, teacher, parameters, data, plan) { IsClassifier = IsClassifier };
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
        if (!outcome.IsBetter)
        {
            return PassOutcome.Refused(FormattableString.Invariant($"{outcome.Steps} steps brought held-out samples no nearer to the teacher (loss {outcome.Before:G3}); training ended as {outcome.Ending}.") + GradientGap.Sentences(run.Gaps), gaps);
        }

        foreach (Parameter parameter in parameters)
        {
            parameter.StoreIn(student);
        }

        model.Restore(student.TakeSnapshot());

        return PassOutcome.Applied(
            FormattableString.Invariant($"{outcome.Steps} steps on {data.Count} samples in {outcome.Duration.TotalSeconds:0} s: the distance from the teacher on held-out samples fell from {outcome.Before:G3} to {outcome.After:G3}; {outcome.Ending}.") + GradientGap.Sentences(run.Gaps), gaps);
    }
}
