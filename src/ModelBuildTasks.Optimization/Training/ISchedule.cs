namespace ModelBuildTasks.Optimization.Training;

/// <summary>How the learning rate goes from step to step.</summary>
public interface ISchedule
{
    /// <summary>The rate of step 0, 1, …; above 0 but for the very end.</summary>
    float At(int index);
}
