using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Benchmarks;

/// <summary>One request, carried out on a cache that had nothing.</summary>
/// <param name="Name">The recipe.</param>
/// <param name="Request">What was asked for.</param>
/// <param name="Result">What came of it.</param>
/// <param name="Seconds">By the clock, from the request to the artifact.</param>
internal sealed record Trial(string Name, OptimizationRequest Request, OptimizationResult Result, double Seconds)
{
    internal string Artifact => Request.OutputPath;

    /// <summary>What was wrong with the request; null where there is an artifact.</summary>
    internal string? Fault => Result.Succeeded ? null : string.Join(" ", Result.Diagnostics.Select(diagnostic => $"{diagnostic.Code}: {diagnostic.Message}"));

    /// <summary>What ships, as the search names it, else by the steps that applied.</summary>
    internal string Choice => Result.Search?.Trials.FirstOrDefault(trial => trial.IsChosen)?.Name ?? string.Join(", ", Steps.DefaultIfEmpty("nothing"));

    internal double SizeRatio => Result.Optimized!.Bytes / (double)Result.Original!.Bytes;

    private IEnumerable<string> Steps => Result.Recipe.Where(step => step.Applied && !step.Name.StartsWith("fit", StringComparison.Ordinal)).Select(step => step.Name);
}
