using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>What every recipe starts from.</summary>
/// <param name="Model">The source, simplified and pruned.</param>
/// <param name="IsSimplified">Whether simplification changed it.</param>
/// <param name="IsPruned">Whether pruning did.</param>
internal sealed record Prepared(Model Model, bool IsSimplified, bool IsPruned)
{
    /// <summary>Whether it was 16-bit floating point: for pruning, which fits weights in float32, or because ONNX Runtime does not compute it. What stays float is stored in two bytes again.</summary>
    internal bool IsLifted { get; init; }

    /// <summary>Whether it is a student's, which is another model than the source whatever is done to it.</summary>
    internal bool IsStudent { get; init; }

    /// <summary>Whether it was trained.</summary>
    internal bool IsTrained { get; init; }

    internal bool IsChanged => IsSimplified || IsPruned || IsLifted || IsStudent || IsTrained;
}
