using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Profiling;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Measuring;

/// <summary>Where the time of a run goes, before and after.</summary>
internal static class SlowestOperators
{
    /// <summary>What is worth looking at; the rest is a long tail of little time.</summary>
    private const int Shown = 8;

    /// <summary>A tenth of a percent.</summary>
    private const int ShareDigits = 3;

    /// <param name="original">The source model; null for none.</param>
    /// <param name="optimized">The artifact.</param>
    /// <param name="inputs">One sample.</param>
    /// <param name="settings">How both are run.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>Null where the profile could not be made: it decides nothing, and is no reason to fail.</returns>
    internal static OperatorProfile? Of(string? original, string optimized, IReadOnlyList<Tensor> inputs, SessionSettings settings, CancellationToken cancellation)
    {
        try
        {
            return new OperatorProfile { Original = original is null ? [] : Profile(original), Optimized = Profile(optimized) };
        }
        catch (Exception exception) when (exception is InferenceException or IOException or UnauthorizedAccessException)
        {
            return null;
        }

        OperatorTime[] Profile(string path) => [.. OperatorProfiler.Run(path, inputs, settings, cancellation).Take(Shown)
            .Select(cost => new OperatorTime { Name = cost.Name, OpType = cost.OpType, Milliseconds = cost.Milliseconds, Share = Math.Round(cost.Share, ShareDigits) })];
    }
}
