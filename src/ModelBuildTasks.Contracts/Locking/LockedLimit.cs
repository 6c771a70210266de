using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts.Locking;

/// <summary>An absolute limit of latency, which means something on one kind of processor only.</summary>
/// <param name="milliseconds">The limit.</param>
/// <param name="processor">The processor that it was set on, see <see cref="ProcessorName"/>; null where latency was not measured, or the processor can't be told from others.</param>
public sealed class LockedLimit(double milliseconds, string? processor)
{
    public double Milliseconds { get; } = milliseconds;

    public string? Processor { get; } = processor;

    /// <returns>Null without a limit.</returns>
    internal static LockedLimit? Of(OptimizationRequest request, OptimizationResult result) => request.Budgets.MaxLatencyMilliseconds is { } limit
        ? new LockedLimit(limit, result.LatencyRatio?.Processor is { } processor && ProcessorName.AreSame(processor, processor) ? processor : null)
        : null;

    internal static LockedLimit? Read(JsonObject? json) => json?.Number("milliseconds") is { } milliseconds ? new LockedLimit(milliseconds, json.Text("processor")) : null;

    internal void Write(JsonWriter json) => json.Add("milliseconds", (double?)Milliseconds).Add("processor", Processor);

    /// <summary>Whether the limit in the lock file need not be written anew: the same limit, tied to a processor where that can be.</summary>
    internal static bool IsSame(LockedLimit? locked, LockedLimit? current) =>
        locked?.Milliseconds == current?.Milliseconds && (locked?.Processor is not null || current?.Processor is null);
}
