using System.Diagnostics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>What a training came to.</summary>
/// <param name="Steps">Steps that were taken, those before an interruption among them.</param>
/// <param name="Before">The loss on held-out samples before.</param>
/// <param name="After">The least, which the weights of now have.</param>
/// <param name="Ending">Why it ended, as a clause.</param>
/// <param name="Duration">What it took, without what came before an interruption.</param>
public sealed record TrainingOutcome(int Steps, double Before, double After, string Ending, TimeSpan Duration)
{
    /// <summary>Whether the held-out samples tell that it was worth it.</summary>
    public bool IsBetter => After < Before;
}

/// <summary>How far a training is.</summary>
/// <param name="Share">Done of it, 0 to 1.</param>
/// <param name="Loss">The mean of late.</param>
/// <param name="Left">Time to go.</param>
public sealed record TrainingProgress(double Share, double Loss, TimeSpan Left);

/// <summary>
/// Trains by a plan: epochs, the schedule, the moving average, looks at held-out samples that keep the best weights and end what does not get better, time, and a checkpoint. From one seed it gives one result on one
/// machine, but where the limit of time left no room for all steps.
/// </summary>
/// <param name="plan">How.</param>
/// <param name="trainer">What moves the weights.</param>
/// <param name="batches">Samples to learn from.</param>
internal sealed class TrainingLoop(TrainingPlan plan, Trainer trainer, TrainingBatches batches)
{
    /// <summary>Steps after which their time is known. The first ones, in which memory is found, do not count.</summary>
    private const int TimedSteps = 12;

    /// <summary>How much of the limit is planned for: looks take time, too.</summary>
    private const double PlannedShare = 0.9;

    /// <summary>Steps that are not finite, one after the other, after which a training has diverged.</summary>
    private const int MostSkipped = 10;

    /// <summary>What the counters hold: steps planned, steps done, loss before, least loss, looks since.</summary>
    private const int Counters = 5;

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly Parameter[] parameters = [.. trainer.Parameters];

    /// <summary>What the graph is given for a batch; the number tells the step, for what is random in it.</summary>
    internal required Func<Sample[], int, IReadOnlyList<Tensor>> Inputs { get; init; }

    /// <summary>The loss on held-out samples with the parameters of now.</summary>
    internal required Func<double> Look { get; init; }

    /// <summary>Called after each step with its number and that of all. Tells whether weights may be kept from here on; null where they may from the start.</summary>
    internal Func<int, int, bool>? Settle { get; init; }

    /// <summary>What the checkpoint must be of to go on from it.</summary>
    internal string Identity { get; init; } = "";

    /// <summary>Runs to the end. The parameters then have the best values, which are those from before where nothing was better.</summary>
    /// <param name="progress">Told now and then.</param>
    /// <param name="cancellation">Ends it. The checkpoint is left.</param>
    internal TrainingOutcome Run(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        int perEpoch = Math.Max(1, batches.PerEpoch / plan.Accumulation);
        int steps = plan.Epochs is { } epochs ? (int)Math.Min(int.MaxValue, (long)epochs * perEpoch) : plan.DefaultSteps;
        WeightAverage average = new(parameters, plan.Averaging);
        float[][] best = [.. parameters.Select(parameter => (float[])parameter.Values.Clone())];
        TrainingCheckpoint? checkpoint = plan.CheckpointPath is { } path ? new TrainingCheckpoint(path, $"{Identity}; {plan with { Limit = null, CheckpointPath = null }}") : null;
        float[][] state = [.. trainer.State, .. average.Values, .. best];
        int done = 0, since = 0;
        double before, least;
        if (checkpoint?.TryLoad(Counters, state) is [var planned, var reached, var first, var lowest, var looks])
        {
            (steps, done, before, least, since) = ((int)planned, (int)reached, first, lowest, (int)looks);
            trainer.Resume(done);
        }
        else
        {
            before = Look();
            least = Settle is null ? before : double.PositiveInfinity;
        }

        string ending = "all steps are done";
        ISchedule schedule = plan.Schedule(steps);
        int interval = Math.Max(1, steps / plan.Looks);
        double recent = double.NaN;
        int skipped = 0;
        int resumed = done;
        TimeSpan timed = default;
        foreach (IReadOnlyList<Tensor>[] inputs in Prepared(done, steps, perEpoch))
        {
            cancellation.ThrowIfCancellationRequested();
            if (done >= steps)
            {
                break;
            }

            double loss = inputs.Average(batch => (double)trainer.Accumulate(batch));
            skipped = trainer.Update(schedule.At(done)) ? 0 : skipped + 1;
            if (skipped > MostSkipped)
            {
                ending = "the loss is not finite any more";
                break;
            }

            done++;
            average.Follow(done);
            bool mayKeep = Settle?.Invoke(done, steps) ?? true;
            recent = double.IsNaN(recent) ? loss : recent + (0.05 * (loss - recent));
            if (done - resumed == TimedSteps / 4)
            {
                timed = watch.Elapsed;
            }
            else if (done - resumed == TimedSteps && plan.Limit is { } limit && resumed == 0)
            {
                double each = (watch.Elapsed - timed).TotalSeconds / (TimedSteps - (TimedSteps / 4));
                int possible = done + (int)Math.Max(0, ((limit * PlannedShare) - watch.Elapsed).TotalSeconds / Math.Max(each, 1e-6));
                if (possible < steps)
                {
                    steps = possible;
                    ending = "there was no time for more";
                    schedule = plan.Schedule(steps);
                    interval = Math.Max(1, steps / plan.Looks);
                }
            }

            bool isLast = done >= steps || watch.Elapsed >= plan.Limit;
            if (done % interval == 0 || isLast)
            {
                double now = mayKeep ? LookAt(average) : double.NaN;
                since = now < least || !mayKeep ? 0 : since + 1;
                if (now < least)
                {
                    least = now;
                    Keep(average, best);
                }

                progress?.Report(new TrainingProgress((double)done / steps, recent, (watch.Elapsed / Math.Max(1, done - resumed)) * (steps - done)));
                checkpoint?.Save([steps, done, before, least, since], state);
                if (since >= plan.Patience)
                {
                    ending = $"the last {since} looks at held-out samples brought nothing better";
                    break;
                }

                if (isLast)
                {
                    ending = done < steps ? "the time was up" : ending;
                    break;
                }
            }
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            parameters[i].Take(best[i]);
        }

        checkpoint?.Delete();
        return new TrainingOutcome(done, before, least, ending, watch.Elapsed);
    }

    /// <summary>Groups of batches, one group for each step, made one ahead while the step before runs.</summary>
    private IEnumerable<IReadOnlyList<Tensor>[]> Prepared(int from, int steps, int perEpoch)
    {
        Task<IReadOnlyList<Tensor>[]>? next = null;
        int step = from;
        for (int epoch = from / perEpoch; step < steps; epoch++)
        {
            foreach (Sample[][] group in batches.Epoch(epoch).Chunk(plan.Accumulation).Take(perEpoch).Skip(step - (epoch * perEpoch)))
            {
                int number = step++;
                Task<IReadOnlyList<Tensor>[]> started = Task.Run(() => group.Select((batch, i) => Inputs(batch, (number * plan.Accumulation) + i)).ToArray());
                if (next is not null)
                {
                    yield return next.GetAwaiter().GetResult();
                }

                next = started;
            }
        }

        if (next is not null)
        {
            yield return next.GetAwaiter().GetResult();
        }
    }

    private double LookAt(WeightAverage average)
    {
        if (plan.Averaging <= 0)
        {
            return Look();
        }

        float[][] own = [.. parameters.Select(parameter => (float[])parameter.Values.Clone())];
        for (int i = 0; i < parameters.Length; i++)
        {
            parameters[i].Take(average.Values[i]);
        }

        double loss = Look();
        for (int i = 0; i < parameters.Length; i++)
        {
            parameters[i].Take(own[i]);
        }

        return loss;
    }

    private void Keep(WeightAverage average, float[][] best)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            (plan.Averaging > 0 ? average.Values[i] : parameters[i].Values).CopyTo(best[i], 0);
        }
    }
}
