namespace ModelBuildTasks.Optimization.Training;

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
