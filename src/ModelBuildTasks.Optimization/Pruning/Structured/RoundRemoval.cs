using System.Diagnostics;
using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Training;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// The removal of one round. What a channel is worth is told in two ways, by what layers lose (<see cref="ReconstructionImportance"/>) and by slopes (<see cref="TaylorImportance"/>). Neither is better for all models, so that
/// both are tried, and the one is taken that leaves the model nearer to its teacher on samples that nothing was fitted to.
/// </summary>
/// <param name="teacher">What the model is to be like.</param>
/// <param name="held">Samples that the refit does not see.</param>
/// <param name="excluded">Layers that keep the channels that they make.</param>
/// <param name="limit">Where the first way took longer than this the second is not tried; null for any time.</param>
internal sealed class RoundRemoval(Model teacher, Dataset held, ExcludedLayers? excluded, TimeSpan? limit)
{
    /// <summary>More samples tell the two ways apart no better.</summary>
    private const int MostHeld = 64;

    private readonly Lazy<(Sample[] Samples, IReadOnlyList<Tensor>[] Answers)> taught = new(() =>
    {
        using ModelSession session = Open(teacher);
        Sample[] samples = [.. held.Take(MostHeld).Read()];
        return (samples, [.. samples.Select(sample => session.Run(sample.Inputs))]);
    });

    /// <summary>Channels that may go from the whole model; 0 before the first round.</summary>
    internal int Removable { get; private set; }

    private IReadOnlyDictionary<string, int>? fewest;

    /// <summary>Removes channels from a copy of a model, and refits it.</summary>
    /// <param name="model">It stays as it is.</param>
    /// <param name="share">Share of the whole model's channels that are to be gone.</param>
    /// <param name="gone">How many are.</param>
    /// <param name="context">Its samples refit, and choose.</param>
    /// <param name="refusals">Gets the reasons why channels stay.</param>
    /// <param name="reason">Why nothing can be chosen; null where something can.</param>
    /// <returns>The copy, how many channels went, and what was done; null where none goes.</returns>
    internal (Model Pruned, int Count, string Explanation)? Remove(Model model, double share, int gone, PassContext context, List<string> refusals, out string? reason)
    {
        (Model Pruned, Removal Chosen, string Explanation)? best = null;
        double least = double.PositiveInfinity;
        reason = null;
        Stopwatch watch = Stopwatch.StartNew();
        foreach (ChannelImportance importance in Enum.GetValues<ChannelImportance>())
        {
            if (best is not null && watch.Elapsed > limit)
            {
                break;
            }

            List<string> own = [];
            RemovalPlan? plan = Plan(model, context, own, importance, out string? obstacle);
            reason ??= best is null ? obstacle : null;
            if (plan is null)
            {
                refusals.AddRange(own);
                continue;
            }

            Removable = fewest is null ? plan.Removable : Removable;
            fewest ??= plan.Fewest;
            Removal chosen = plan.Choose((int)Math.Round(share * Removable, MidpointRounding.AwayFromZero) - gone, fewest, context.CancellationToken);
            if (chosen.Classes.Count == 0 || best?.Chosen.Classes.SetEquals(chosen.Classes) == true)
            {
                continue;
            }

            (Model pruned, string explanation) = plan.Apply(chosen, context, own);
            double distance = Distance(pruned, context.CancellationToken);
            if (!double.IsFinite(distance))
            {
                reason ??= best is null ? "The model's outputs for samples of the training data are not finite." : null;
            }
            else if (best is null || distance < least)
            {
                (best, least) = ((pruned, chosen, importance == ChannelImportance.Taylor ? $"{explanation} They were chosen by slopes." : explanation), distance);
                refusals.Clear();
                refusals.AddRange(own);
            }
        }

        return best is var (taken, removal, told) ? (taken, removal.Classes.Count, told) : null;
    }

    private RemovalPlan? Plan(Model model, PassContext context, List<string> refusals, ChannelImportance importance, out string? reason)
    {
        try
        {
            return RemovalPlan.Of(model, excluded, context, refusals, out reason, importance);
        }
        catch (Exception failure) when (failure is CalibrationException or InferenceException or GradientException or AggregateException)
        {
            reason = $"The importance of channels cannot be measured: {(failure.InnerException ?? failure).Message.TrimEnd('.')}.";
            return null;
        }
    }

    /// <summary>The squared difference of the outputs from the teacher's, as a share of their power, added up over outputs.</summary>
    private double Distance(Model pruned, CancellationToken cancellation)
    {
        (Sample[] samples, IReadOnlyList<Tensor>[] answers) = taught.Value;
        using ModelSession session = Open(pruned);
        double[] noise = new double[answers[0].Count], power = new double[answers[0].Count];
        for (int i = 0; i < samples.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            IReadOnlyList<Tensor> own = session.Run(samples[i].Inputs);
            for (int output = 0; output < own.Count; output++)
            {
                if (own[output].ElementType == ElementType.Float && own[output].Length == answers[i][output].Length)
                {
                    float distance = TensorPrimitives.Distance(own[output].Span<float>(), answers[i][output].Span<float>());
                    noise[output] += (double)distance * distance;
                    power[output] += TensorPrimitives.SumOfSquares(answers[i][output].Span<float>());
                }
            }
        }

        return noise.Zip(power, (n, p) => p == 0 ? 0 : n / p).Sum();
    }

    private static ModelSession Open(Model model) => ModelSession.Open(model, new SessionSettings(Environment.ProcessorCount));
}
