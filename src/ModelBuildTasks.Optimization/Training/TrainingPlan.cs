namespace ModelBuildTasks.Optimization.Training;

/// <summary>How long and how a model is trained. Where nothing is said, values are those of fine-tuning a model that is nearly right.</summary>
public sealed record TrainingPlan
{
    /// <summary>How often every sample is seen; null for as often as <see cref="DefaultSteps"/> take.</summary>
    public int? Epochs { get; init; }

    /// <summary>Steps of a training whose epochs nobody named.</summary>
    public int DefaultSteps { get; init; } = 3000;

    /// <summary>Samples of a batch, at least 1.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Batches whose gradients make one step: memory is that of one batch.</summary>
    public int Accumulation { get; init; } = 1;

    public UpdateRule Rule { get; init; } = UpdateRule.Adam;

    /// <summary>Highest learning rate.</summary>
    public float LearningRate { get; init; } = 3e-4f;

    /// <summary>Whether the rate falls in steps instead of along a cosine.</summary>
    public bool FallsInSteps { get; init; }

    /// <summary>Share of the steps in which the rate rises.</summary>
    public float WarmUp { get; init; } = 0.05f;

    /// <summary>Decay of filters and matrices; normalizations and biases are left alone.</summary>
    public float WeightDecay { get; init; } = 1e-4f;

    /// <summary>Longest gradient.</summary>
    public float ClipNorm { get; init; } = 5;

    /// <summary>Share that the moving average of the weights keeps in each step, once it is under way; 0 for no average.</summary>
    public float Averaging { get; init; } = 0.995f;

    /// <summary>Share of the samples that nothing is learned from: they tell which weights are best, and when to stop.</summary>
    public double HeldOut { get; init; } = 0.1;

    /// <summary>Looks at the held-out samples in the whole training.</summary>
    public int Looks { get; init; } = 20;

    /// <summary>Looks in a row without a new best after which training ends.</summary>
    public int Patience { get; init; } = 12;

    /// <summary>Decides the order of the samples and what augmentation does.</summary>
    public int Seed { get; init; }

    /// <summary>Time for all of it; null for any. Training that would take longer has fewer steps.</summary>
    public TimeSpan? Limit { get; init; }

    /// <summary>A file that training is kept in while it goes on, for another process to go on after a kill; null for none. It is deleted in the end.</summary>
    public string? CheckpointPath { get; init; }

    /// <summary>Whether the checkpoint stays when training has ended, so that the same training done again only takes what it came to.</summary>
    internal bool KeepsCheckpoint { get; init; }

    /// <summary>Threads inside one operator.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>The time to go: as for what is done, and no more than the limit has left.</summary>
    /// <param name="elapsed">Since the beginning.</param>
    /// <param name="done">Share that was done in that time, over 0.</param>
    /// <param name="toGo">Share that is left.</param>
    internal TimeSpan Left(TimeSpan elapsed, double done, double toGo)
    {
        TimeSpan estimate = elapsed * (toGo / done);
        return Limit - elapsed is { } most && most < estimate ? (most > TimeSpan.Zero ? most : TimeSpan.Zero) : estimate;
    }

    internal ISchedule Schedule(int steps)
    {
        int warmUp = (int)(WarmUp * steps);
        // He et al. 2016: a tenth of the rate after a half, and again after three quarters.
        return FallsInSteps ? new StepSchedule(LearningRate, warmUp, [steps / 2, steps * 3 / 4]) : new CosineSchedule(LearningRate, warmUp, steps);
    }
}
