namespace ModelBuildTasks.Optimization.Training;

/// <summary>Learning rate that rises linearly to its peak and falls to a share of itself at each of some steps (He et al. 2016: to a tenth, at a half and at three quarters).</summary>
/// <param name="Peak">Highest learning rate.</param>
/// <param name="WarmUp">Steps of the rise.</param>
/// <param name="Drops">The steps at which it falls.</param>
/// <param name="Share">What is left of it each time.</param>
internal sealed record StepSchedule(float Peak, int WarmUp, IReadOnlyList<int> Drops, float Share = 0.1f) : ISchedule
{
    public float At(int index) => index < WarmUp ? Peak * (index + 1) / WarmUp : Peak * MathF.Pow(Share, Drops.Count(drop => index >= drop));
}
