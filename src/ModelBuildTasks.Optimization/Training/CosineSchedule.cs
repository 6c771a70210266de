namespace ModelBuildTasks.Optimization.Training;

/// <summary>How the learning rate goes from step to step.</summary>
public interface ISchedule
{
    /// <summary>The rate of step 0, 1, …; above 0 but for the very end.</summary>
    float At(int index);
}

/// <summary>Learning rate that rises linearly to its peak and falls to zero on half a cosine (Loshchilov, Hutter 2017).</summary>
/// <param name="Peak">Highest learning rate.</param>
/// <param name="WarmUp">Steps of the rise.</param>
/// <param name="Steps">All steps.</param>
public sealed record CosineSchedule(float Peak, int WarmUp, int Steps) : ISchedule
{
    public float At(int index) =>
        index < WarmUp
            ? Peak * (index + 1) / WarmUp
            : Peak * 0.5f * (1 + MathF.Cos(MathF.PI * Math.Min(1f, (index - WarmUp) / (float)Math.Max(1, Steps - WarmUp))));
}

/// <summary>Learning rate that rises linearly to its peak and falls to a share of itself at each of some steps (He et al. 2016: to a tenth, at a half and at three quarters).</summary>
/// <param name="Peak">Highest learning rate.</param>
/// <param name="WarmUp">Steps of the rise.</param>
/// <param name="Drops">The steps at which it falls.</param>
/// <param name="Share">What is left of it each time.</param>
public sealed record StepSchedule(float Peak, int WarmUp, IReadOnlyList<int> Drops, float Share = 0.1f) : ISchedule
{
    public float At(int index) => index < WarmUp ? Peak * (index + 1) / WarmUp : Peak * MathF.Pow(Share, Drops.Count(drop => index >= drop));
}
