using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>Sizes of the candidate that was written last which cost something to know, measured where the objective or a budget asks for them.</summary>
internal sealed class ShippedSizes(OptimizationRequest request, ShippedForm shipped, MemoryStage memory, CancellationToken cancellation)
{
    private bool CompressedCounts => request.Compress && (request.Settings.Objective == Objective.Size || request.Budgets is not { MaxSizeBytes: null, MaxSizeRatio: null });

    /// <summary>Bytes of what ships.</summary>
    internal long Bytes() => CompressedCounts ? CompressedModel.Measure(shipped.Files(), isForShipping: true, cancellation) + CompressedModel.TrailerBytes : shipped.ShippedBytes;

    /// <summary>The outcome with the memory that running it takes, and why that is missing where it is.</summary>
    internal (Outcome Outcome, string? Reason) WithMemory(Outcome outcome) => (memory.Complete(outcome, shipped.Make()), memory.Reason);
}
