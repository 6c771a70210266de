using System;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Execution;

/// <summary>How long a worker may take. It keeps the limit of each model itself, and says so in the result; it is ended only when it does not.</summary>
internal sealed class TimeLimit
{
    /// <summary>What a search found by the end of its time is still profiled, measured for memory, judged and written, which takes longer for larger models, as their limits do.</summary>
    private const double FinishingShare = 0.2;

    private const double FinishingMilliseconds = 10_000;

    private TimeLimit(double milliseconds, int models)
    {
        Duration = TimeSpan.FromMilliseconds(milliseconds * models);
        KillMilliseconds = (int)Math.Min(int.MaxValue, ((milliseconds * (1 + FinishingShare)) + FinishingMilliseconds) * models);
    }

    /// <summary>Of all models together, as the project wrote it.</summary>
    public TimeSpan Duration { get; }

    /// <summary>When the worker is ended.</summary>
    public int KillMilliseconds { get; }

    /// <param name="text">The project's ModelOptimizationTimeout, for each model.</param>
    /// <param name="models">How many models there are.</param>
    /// <returns>Null where the project writes no limit, or 0.</returns>
    public static TimeLimit? Of(string text, int models) =>
        Quantity.TryParseDuration(text, out var milliseconds) && milliseconds > 0 ? new TimeLimit(milliseconds, models) : null;
}
