using System.IO;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Items;

/// <summary>A variant and what the build made of it, in the terms of the lock file.</summary>
internal sealed class BuiltVariant(ModelVariant variant, OptimizationRequest request, LockEntry entry)
{
    public ModelVariant Variant { get; } = variant;

    public OptimizationRequest Request { get; } = request;

    public LockEntry Entry { get; } = entry;

    /// <returns>Null when there is nothing to lock: not built yet, built in vain or, where nothing is built, built by another version.</returns>
    /// <exception cref="IOException">The request or the result can't be read.</exception>
    public static BuiltVariant? Read(ModelVariant variant)
    {
        try
        {
            return File.Exists(variant.RequestPath) && File.Exists(variant.ResultPath) && OptimizationResult.Read(variant.ResultPath) is { Succeeded: true } result
                && OptimizationRequest.Read(variant.RequestPath) is { } request
                ? new BuiltVariant(variant, request, LockEntry.Of(request, result))
                : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
