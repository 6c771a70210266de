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
    /// <summary>Gains of a smaller share of the loss are none.</summary>
    private const double LeastGain = 0.001;

    /// <summary>Whether the held-out samples tell that it was worth it.</summary>
    public bool IsBetter => After < Before * (1 - LeastGain);
}

/// <summary>How far a training is.</summary>
/// <param name="Share">Done of it, 0 to 1.</param>
/// <param name="Loss">The mean of late.</param>
/// <param name="Left">Time to go.</param>
public sealed record TrainingProgress(double Share, double Loss, TimeSpan Left);

/// <summary>
/// Trains by a plan: epochs, the schedule, the moving average, looks at held-out samples that keep the best weights and end what does not get better, time, and a checkpoint. From one seed it gives one result on one
/// machine, but where the limit of time left no room for all steps. A loop runs once.
/// </summary>
internal sealed class TrainingLoop
{
    /// <summary>Steps after which their time is known, and the first of them, in which memory is found, that do not count.</summary>
    private const int TimedSteps = 12, UntimedSteps = 3;

    /// <summary>How much of the limit is planned for: looks take time, too.</summary>
    private const double PlannedShare = 0.9;

    /// <summary>Steps that are not finite, one after the other, after which a training has diverged.</summary>
    private const int MostSkipped = 10;

    /// <summary>What the loss of a step moves the one that is told.</summary>
    private const double Recency = 0.05;

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly TrainingPlan plan;
    private readonly Trainer trainer;
    private readonly TrainingBatches batches;
    private readonly Parameter[] parameters;
    private readonly WeightAverage average;
    private readonly float[][] best;
    private readonly int perEpoch;
    private int steps;
    private int done;
    private int resumed;
    private double before;
    private double least;
    private int looksSinceBest;
    private double recent = double.NaN;
    private bool isSettled;
    private TimeSpan timedFrom;
    private string ending = "all steps are done";

    /// <param name="plan">How.</param>
    /// <param name="trainer">What moves the weights.</param>
    /// <param name="batches">Samples to learn from.</param>
    internal TrainingLoop(TrainingPlan plan, Trainer trainer, TrainingBatches batches)
    {
        this.plan = plan;
        this.trainer = trainer;
        this.batches = batches;
        parameters = [.. trainer.Parameters];
        average = new WeightAverage(parameters, plan.Averaging);
        best = [.. parameters.Select(parameter => (float[])parameter.Values.Clone())];
        perEpoch = Math.Max(1, batches.PerEpoch / plan.Accumulation);
        steps = plan.Epochs is { } epochs ? (int)Math.Min(int.MaxValue, (long)epochs * perEpoch) : plan.DefaultSteps;
    }

    /// <summary>What the graph is given for a batch; the number tells the step, for what is random in it. Called from another thread, one call at a time.</summary>
    internal required Func<Sample[], int, IReadOnlyList<Tensor>> Inputs { get; init; }

    /// <summary>The loss on held-out samples with the parameters of now.</summary>
    internal required Func<double> Look { get; init; }

    /// <summary>Called after each step with its number and that of all. Tells whether weights may be kept from here on; null where they may from the start.</summary>
    internal Func<int, int, bool>? Settle { get; init; }

    /// <summary>Called before the first step where training goes on from a checkpoint behind which <see cref="Settle"/> had said that weights may be kept.</summary>
    internal Action? ResumeSettled { get; init; }

    /// <summary>What the checkpoint must be of to go on from it.</summary>
    internal string Identity { get; init; } = "";

    /// <summary>Runs to the end. The parameters then have the best values, which are those from before where nothing was better.</summary>
    /// <param name="progress">Told now and then.</param>
    /// <param name="cancellation">Ends it. The checkpoint is left.</param>
    internal TrainingOutcome Run(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        TrainingCheckpoint? checkpoint = plan.CheckpointPath is { } path ? new TrainingCheckpoint(path, $"{Identity}; {plan with { Limit = null, CheckpointPath = null, KeepsCheckpoint = false }}") : null;
        if (checkpoint is null || !Resume(checkpoint))
        {
            before = Look();
            least = Settle is null ? before : double.PositiveInfinity;
        }

        ISchedule schedule = plan.Schedule(steps);
        int skipped = 0;
        foreach (IReadOnlyList<Tensor>[] inputs in Prepared())
        {
            cancellation.ThrowIfCancellationRequested();
            double loss = inputs.Average(batch => (double)trainer.Accumulate(batch));
            skipped = trainer.Update(schedule.At(done)) ? 0 : skipped + 1;
            if (skipped > MostSkipped)
            {
                ending = "the loss is not finite any more";
                break;
            }

            done++;
            average.Follow(done);
            isSettled = Settle?.Invoke(done, steps) ?? true;
            recent = double.IsNaN(recent) ? loss : recent + (Recency * (loss - recent));
            if (FitsToTime())
            {
                schedule = plan.Schedule(steps);
            }

            bool isLast = done >= steps || watch.Elapsed >= plan.Limit;
            if (isLast || done % Interval == 0)
            {
                Judge();
                progress?.Report(new TrainingProgress((double)done / steps, recent, plan.Left(watch.Elapsed, done - resumed, steps - done)));
                checkpoint?.Save(Numbers(steps), State());
            }

            if (looksSinceBest >= plan.Patience)
            {
                ending = $"the last {looksSinceBest} looks at held-out samples brought nothing better";
                break;
            }

            if (isLast)
            {
                ending = done < steps ? "the time was up" : ending;
                break;
            }
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            parameters[i].Take(best[i]);
        }

        if (plan.KeepsCheckpoint)
        {
            // No step is left: whoever resumes takes the best weights.
            checkpoint?.Save(Numbers(done), State());
        }
        else
        {
            checkpoint?.Delete();
        }

        return new TrainingOutcome(done, before, least, ending, watch.Elapsed);
    }

    private int Interval => Math.Max(1, steps / plan.Looks);

    private double[] Numbers(int all) => [all, done, trainer.Steps, before, least, looksSinceBest, isSettled ? 1 : 0];

    private float[][] State() => [.. trainer.State, .. average.Values, .. best, .. Masks().Select(mask => Array.ConvertAll(mask, isSeen => isSeen ? 1f : 0))];

    private IEnumerable<bool[]> Masks() => parameters.Select(parameter => parameter.Mask).OfType<bool[]>();

    private bool Resume(TrainingCheckpoint checkpoint)
    {
        float[][] state = State();
        if (checkpoint.TryLoad(7, state) is not [var planned, var reached, var moved, var first, var lowest, var looks, var settled])
        {
            return false;
        }

        foreach ((bool[] mask, float[] stored) in Masks().Zip(state[^Masks().Count()..]))
        {
            Array.ConvertAll(stored, value => value != 0).CopyTo(mask, 0);
        }

        (steps, done, before, least, looksSinceBest) = ((int)planned, (int)reached, first, lowest, (int)looks);
        resumed = done;
        timedFrom = watch.Elapsed;
        trainer.Resume((int)moved);
        if (settled != 0)
        {
            ResumeSettled?.Invoke();
        }

        return true;
    }

    /// <summary>Plans for as many steps as there is time for, once it is known what they take, and again at each look.</summary>
    /// <returns>Whether there are fewer now.</returns>
    private bool FitsToTime()
    {
        int taken = done - resumed;
        if (taken == UntimedSteps)
        {
            timedFrom = watch.Elapsed;
        }

        if (plan.Limit is not { } limit || taken < TimedSteps || (taken > TimedSteps && done % Interval != 0))
        {
            return false;
        }

        double each = (watch.Elapsed - timedFrom).TotalSeconds / (taken - UntimedSteps);
        double possible = done + (Math.Max(0, ((limit * PlannedShare) - watch.Elapsed).TotalSeconds) / Math.Max(each, 1e-9));
        if (possible >= steps)
        {
            return false;
        }

        steps = Math.Max(done, (int)possible);
        ending = "there was no time for more";
        return true;
    }

    /// <summary>Looks at held-out samples, with the average where there is one, and keeps what is best.</summary>
    private void Judge()
    {
        if (!isSettled)
        {
            return;
        }

        float[][] own = [.. parameters.Select(parameter => (float[])parameter.Values.Clone())];
        IReadOnlyList<float[]> judged = plan.Averaging > 0 ? average.Values : own;
        Take(judged);
        double loss = Look();
        Take(own);
        looksSinceBest = loss < least ? 0 : looksSinceBest + 1;
        if (loss < least)
        {
            least = loss;
            for (int i = 0; i < best.Length; i++)
            {
                judged[i].CopyTo(best[i], 0);
            }
        }
    }

    private void Take(IReadOnlyList<float[]> values)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            parameters[i].Take(values[i]);
        }
    }

    /// <summary>Groups of batches, one group for each step that is left, made one ahead while the step before runs.</summary>
    private IEnumerable<IReadOnlyList<Tensor>[]> Prepared()
    {
        Task<IReadOnlyList<Tensor>[]>? next = null;
        try
        {
            int step = done;
            for (int epoch = step / perEpoch; step < steps; epoch++)
            {
                foreach (Sample[][] group in batches.Epoch(epoch).Chunk(plan.Accumulation).Take(perEpoch).Skip(step - (epoch * perEpoch)))
                {
                    int number = step++;
                    if (next is null)
                    {
                        next = Make(group, number);
                        continue;
                    }

                    IReadOnlyList<Tensor>[] inputs = next.GetAwaiter().GetResult();
                    next = Make(group, number);
                    yield return inputs;
                }
            }

            if (next is not null)
            {
                yield return next.GetAwaiter().GetResult();
            }
        }
        finally
        {
            // What it uses may be disposed of behind this.
            next?.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        }

        Task<IReadOnlyList<Tensor>[]> Make(Sample[][] group, int number) => Task.Run(() => group.Select((batch, i) => Inputs(batch, (number * plan.Accumulation) + i)).ToArray());
    }
}
